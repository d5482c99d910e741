#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace faceforge::cli {

struct ListenAddress {
  std::string address;  ///< IPv4 or IPv6, without brackets
  uint16_t port = 0;
};

/// Reads `127.0.0.1:8080`, `[::1]:8080` or `:8080` (every IPv4 address of the machine).
///
/// fails: invalid_input/listen_address
[[nodiscard]] Result<ListenAddress> parse_listen_address(std::string_view text);

/// `http://127.0.0.1:8080`; for every address of the machine, the one that works on it.
[[nodiscard]] std::string browser_address(const ListenAddress& address, std::string_view scheme);

}  // namespace faceforge::cli
