#include "net/internal/public_address.h"

#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace faceforge::net::internal {
namespace {

bool is_public(const std::string& text) {
  sockaddr_in inet{};
  inet.sin_family = AF_INET;
  if (inet_pton(AF_INET, text.c_str(), &inet.sin_addr) == 1) {
    EXPECT_EQ(address_text(reinterpret_cast<const sockaddr&>(inet)), text);
    return is_public_address(reinterpret_cast<const sockaddr&>(inet));
  }
  sockaddr_in6 inet6{};
  inet6.sin6_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &inet6.sin6_addr), 1) << text;
  return is_public_address(reinterpret_cast<const sockaddr&>(inet6));
}

TEST(PublicAddress, InsideAddressesOfBothFamiliesAreNotPublic) {
  for (const char* address : {"0.0.0.0",
                              "10.0.0.1",
                              "10.255.255.255",
                              "100.64.0.1",
                              "100.127.255.255",
                              "127.0.0.1",
                              "127.255.0.3",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.0.0.8",
                              "192.0.2.7",
                              "192.88.99.1",
                              "192.168.1.1",
                              "198.18.0.1",
                              "198.19.255.255",
                              "198.51.100.1",
                              "203.0.113.9",
                              "224.0.0.1",
                              "239.255.255.255",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "fe80::1",
                              "fc00::1",
                              "fd12:3456::1",
                              "ff02::1",
                              "fec0::1",
                              "2001:db8::1",
                              "2001::1",
                              "2001:1ff::1",
                              "3fff::1",
                              "100::1",
                              "64:ff9b:1::1"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
}

TEST(PublicAddress, NeighboursOfThoseRangesArePublic) {
  for (const char* address :
       {"1.1.1.1",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.0",       "169.253.255.255",
        "169.255.0.0",     "172.15.255.255",  "172.32.0.0",      "192.0.3.0",
        "192.167.255.255", "192.169.0.0",     "198.17.255.255",  "198.20.0.0",
        "223.255.255.255", "8.8.8.8",         "2606:4700::1111", "2001:4860:4860::8888",
        "2a00::1",         "2001:200::1"}) {
    EXPECT_TRUE(is_public(address)) << address;
  }
}

TEST(PublicAddress, Ipv4InsideOfIpv6IsJudgedAsIpv4) {
  EXPECT_FALSE(is_public("::ffff:127.0.0.1"));
  EXPECT_FALSE(is_public("::ffff:10.1.2.3"));
  EXPECT_TRUE(is_public("::ffff:8.8.8.8"));
  EXPECT_FALSE(is_public("64:ff9b::192.168.0.1"));
  EXPECT_TRUE(is_public("64:ff9b::8.8.8.8"));
  EXPECT_FALSE(is_public("2002:7f00:1::1"));
  EXPECT_FALSE(is_public("2002:a9fe:a9fe::1"));
  EXPECT_TRUE(is_public("2002:808:808::1"));
  EXPECT_FALSE(is_public("::127.0.0.1"));
}

TEST(PublicAddress, OtherFamiliesAreNotPublic) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr&>(local)));
}

}  // namespace
}  // namespace faceforge::net::internal
