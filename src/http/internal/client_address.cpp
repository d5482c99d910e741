#include "http/internal/client_address.h"

#include <optional>
#include <string_view>

#include <boost/asio/ip/address.hpp>
#include <poll.h>

#include "http/header_value.h"

namespace faceforge::http::internal {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::string text_of(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

std::optional<std::string_view> last_element(const Headers& headers, std::string_view name) {
  const auto value = headers.find_last(name);
  if (!value) return std::nullopt;
  const size_t comma = value->rfind(',');
  return trimmed(comma == std::string_view::npos ? *value : value->substr(comma + 1));
}

}  // namespace

bool has_hung_up(asio::ip::tcp::socket& socket) {
  if (!socket.is_open()) return true;
  pollfd descriptor{.fd = socket.native_handle(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&descriptor, 1, 0) == 1;
}

std::string address_of(const asio::ip::tcp::socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  return error ? std::string() : text_of(endpoint.address());
}

void apply_proxy_fields(RequestHead& head) {
  if (const auto forwarded = last_element(head.headers, "X-Forwarded-For")) {
    error_code error;
    const auto address = asio::ip::make_address(std::string(*forwarded), error);
    if (!error) head.client_address = text_of(address);
  }
  if (const auto scheme = last_element(head.headers, "X-Forwarded-Proto")) {
    if (same_token(*scheme, "https")) head.scheme = Scheme::Https;
    if (same_token(*scheme, "http")) head.scheme = Scheme::Http;
  }
}

}  // namespace faceforge::http::internal
