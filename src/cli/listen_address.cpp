#include "cli/listen_address.h"

#include <charconv>

namespace faceforge::cli {

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::InvalidInput, "listen_address",
                "`{}` is no ADDRESS:PORT, for example 127.0.0.1:8080 or [::1]:8080", text);
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view address = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return wrong();
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  if (!bracketed && address.find(':') != std::string_view::npos) return wrong();
  if (bracketed && address.empty()) return wrong();
  return ListenAddress{address.empty() ? "0.0.0.0" : std::string(address), port};
}

std::string browser_address(const ListenAddress& address, std::string_view scheme) {
  std::string host = address.address;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return fmt::format("{}://{}:{}", scheme, host, address.port);
}

}  // namespace faceforge::cli
