#include "io/net/peer_address.h"

#include <gtest/gtest.h>

#include <string>

namespace clearline::test {
namespace {

TEST(PeerAddress, ThisMachineIsConnectedTo) {
  for (const char* good : {"127.0.0.1:7400", "127.255.0.3:1", "[::1]:65535", "[0:0:0:0:0:0:0:1]:80",
                           "[::ffff:127.0.0.1]:7400", "localhost:7400"}) {
    const auto address = parse_peer_address(good);
    ASSERT_TRUE(address.ok()) << good;
    EXPECT_EQ(address->text, good);
  }
  const auto mapped = parse_peer_address("[::ffff:127.0.0.1]:7400");
  EXPECT_EQ(mapped->addresses, parse_peer_address("127.0.0.1:7400")->addresses);
  EXPECT_EQ(socket_address(mapped->addresses.front()).storage.ss_family, AF_INET);
  const auto both = parse_peer_address("localhost:7400");
  ASSERT_EQ(both->addresses.size(), 2U);
  EXPECT_EQ(socket_address(both->addresses[0]).storage.ss_family, AF_INET);
  EXPECT_EQ(socket_address(both->addresses[1]).storage.ss_family, AF_INET6);
}

TEST(PeerAddress, NobodyElseIsConnectedTo) {
  // Names, also those that mean this machine: whoever answers for them chooses where a token goes.
  for (const char* other : {"0.0.0.0:7400", "192.0.2.1:7400", "128.0.0.1:7400", "126.255.255.255:7400", "[::]:7400",
                            "[::2]:7400", "[::ffff:192.0.2.1]:7400", "[::127.0.0.1]:7400", "[fe80::1]:7400",
                            "example.com:7400", "ip6-localhost:7400", "localhost.:7400", "localhost.example:7400",
                            "127.0.0.1.example:7400", "127.1:7400", "2130706433:7400", "0177.0.0.1:7400"}) {
    const auto address = parse_peer_address(other);
    ASSERT_FALSE(address.ok()) << other;
    EXPECT_EQ(address.status().kind(), StatusKind::kUsage) << other;
    EXPECT_NE(address.status().message().find("not of this machine"), std::string::npos) << address.status().message();
  }
}

TEST(PeerAddress, WhatIsNoAddressIsRefused) {
  for (const char* bad : {"", ":", "7400", "localhost", "localhost:", ":7400", "::1:7400", "a:0", "127.0.0.1:0",
                          "a:65536", "a:7400x", "a b:1", "127.0.0.1:+1", "127.0.0.1/8:1"}) {
    const auto address = parse_peer_address(bad);
    ASSERT_FALSE(address.ok()) << bad;
    EXPECT_NE(address.status().message().find("HOST:PORT"), std::string::npos) << bad;
  }
  EXPECT_NE(parse_peer_address("tls://127.0.0.1:7443").status().message().find("TLS"), std::string::npos);
}

}  // namespace
}  // namespace clearline::test
