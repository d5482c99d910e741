#include "net/internal/public_address.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace faceforge::net::internal {
namespace {

struct Ipv4Range {
  uint32_t first;
  int prefix_bits;
};

constexpr uint32_t ipv4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

constexpr std::array<Ipv4Range, 15> kNotPublicIpv4{{
    {ipv4(0, 0, 0, 0), 8},        // this network
    {ipv4(10, 0, 0, 0), 8},       // private
    {ipv4(100, 64, 0, 0), 10},    // carrier NAT
    {ipv4(127, 0, 0, 0), 8},      // loopback
    {ipv4(169, 254, 0, 0), 16},   // link-local, cloud metadata
    {ipv4(172, 16, 0, 0), 12},    // private
    {ipv4(192, 0, 0, 0), 24},     // protocol assignments
    {ipv4(192, 0, 2, 0), 24},     // documentation
    {ipv4(192, 88, 99, 0), 24},   // 6to4 relays
    {ipv4(192, 168, 0, 0), 16},   // private
    {ipv4(198, 18, 0, 0), 15},    // benchmarks
    {ipv4(198, 51, 100, 0), 24},  // documentation
    {ipv4(203, 0, 113, 0), 24},   // documentation
    {ipv4(224, 0, 0, 0), 4},      // multicast
    {ipv4(240, 0, 0, 0), 4},      // reserved, broadcast
}};

bool is_public_ipv4(uint32_t address) {
  return std::ranges::none_of(kNotPublicIpv4, [address](const Ipv4Range& range) {
    return (address ^ range.first) >> (32 - range.prefix_bits) == 0;
  });
}

using Ipv6 = std::span<const uint8_t, 16>;

bool has_prefix(Ipv6 address, std::initializer_list<uint8_t> prefix) {
  return std::ranges::equal(address.first(prefix.size()), prefix);
}

uint32_t ipv4_at(Ipv6 address, size_t position) {
  return ipv4(address[position], address[position + 1], address[position + 2],
              address[position + 3]);
}

bool is_public_ipv6(Ipv6 address) {
  // IPv4 inside of IPv6 is judged as what it leads to.
  if (has_prefix(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF})) {
    return is_public_ipv4(ipv4_at(address, 12));  // mapped
  }
  if (has_prefix(address, {0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return is_public_ipv4(ipv4_at(address, 12));  // NAT64
  }
  if (has_prefix(address, {0x20, 0x02})) return is_public_ipv4(ipv4_at(address, 2));  // 6to4
  const bool global_unicast = (address[0] & 0xE0) == 0x20;
  const bool protocol_assignment = has_prefix(address, {0x20, 0x01}) && (address[2] & 0xFE) == 0;
  const bool documentation = has_prefix(address, {0x20, 0x01, 0x0D, 0xB8}) ||
                             (has_prefix(address, {0x3F, 0xFF}) && (address[2] & 0xF0) == 0);
  return global_unicast && !protocol_assignment && !documentation;
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in inet{};
    std::memcpy(&inet, &address, sizeof inet);
    return is_public_ipv4(ntohl(inet.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 inet6{};
    std::memcpy(&inet6, &address, sizeof inet6);
    return is_public_ipv6(Ipv6(inet6.sin6_addr.s6_addr));
  }
  return false;
}

std::string address_text(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET) {
    sockaddr_in inet{};
    std::memcpy(&inet, &address, sizeof inet);
    inet_ntop(AF_INET, &inet.sin_addr, text.data(), text.size());
  } else if (address.sa_family == AF_INET6) {
    sockaddr_in6 inet6{};
    std::memcpy(&inet6, &address, sizeof inet6);
    inet_ntop(AF_INET6, &inet6.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

}  // namespace faceforge::net::internal
