#include <gtest/gtest.h>

#include <dtu/kit/net/networks.hpp>
#include <ostream>

namespace net {
namespace {

bool contains(const std::string& network, const std::string& address) {
  const ReadNetwork read = read_network(network);
  EXPECT_EQ(read.problem, "") << network;
  return any_contains({read.network}, numeric_address(address, 1).value());
}

struct Case {
  const char* network;
  const char* address;
  bool inside;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.network << " and " << c.address; }
class NetworkContains : public testing::TestWithParam<Case> {};

TEST_P(NetworkContains, WhatItSays) { EXPECT_EQ(contains(GetParam().network, GetParam().address), GetParam().inside); }

INSTANTIATE_TEST_SUITE_P(
    All, NetworkContains,
    testing::Values(Case{"192.168.1.0/24", "192.168.1.0", true}, Case{"192.168.1.0/24", "192.168.1.255", true},
                    Case{"192.168.1.0/24", "192.168.2.0", false}, Case{"192.168.1.128/25", "192.168.1.127", false},
                    Case{"192.168.1.128/25", "192.168.1.128", true}, Case{"10.0.0.5", "10.0.0.5", true},
                    Case{"10.0.0.5", "10.0.0.4", false}, Case{"10.0.0.4/31", "10.0.0.5", true},
                    Case{"10.0.0.5/32", "10.0.0.5", true}, Case{"0.0.0.0/0", "203.0.113.9", true},
                    Case{"0.0.0.0/0", "fd00::1", false}, Case{"::/0", "fd00::1", true},
                    Case{"::/0", "203.0.113.9", false}, Case{"::/0", "::ffff:203.0.113.9", false},
                    Case{"fd00::/8", "fdff::1", true}, Case{"fd00::/8", "fe80::1", false},
                    Case{"2001:db8::/33", "2001:db8:7fff::1", true}, Case{"2001:db8::/33", "2001:db8:8000::1", false},
                    Case{"::1", "::1", true}, Case{"::1", "127.0.0.1", false},
                    // As a socket that listens on :: shows them.
                    Case{"10.0.0.0/8", "::ffff:10.9.8.7", true}, Case{"10.0.0.0/8", "::ffff:11.0.0.0", false},
                    Case{"::ffff:10.0.0.0/104", "10.1.1.1", true}, Case{"::ffff:0:0/96", "10.1.1.1", true}));

struct Wrong {
  const char* network;
  const char* says;
};
void PrintTo(const Wrong& w, std::ostream* out) { *out << w.network; }
class NetworkRefuses : public testing::TestWithParam<Wrong> {};

TEST_P(NetworkRefuses, SayingWhatIsAllowed) {
  const std::string problem = read_network(GetParam().network).problem;
  EXPECT_NE(problem.find(GetParam().says), std::string::npos) << problem;
}

constexpr char kForm[] = "an address as 10.0.0.5 or fd00::5 is required";
constexpr char kBits4[] = "0 to 32";
INSTANTIATE_TEST_SUITE_P(
    All, NetworkRefuses,
    testing::Values(Wrong{"", kForm}, Wrong{"/", kForm}, Wrong{"/8", kForm}, Wrong{"localhost", kForm},
                    Wrong{"10.0.0", kForm}, Wrong{"10.0.0.256", kForm}, Wrong{"010.0.0.1", kForm},
                    Wrong{"0x0a.0.0.1", kForm}, Wrong{" 10.0.0.1", kForm}, Wrong{"10.0.0.1 ", kForm},
                    Wrong{"10.0.0.1,10.0.0.2", kForm}, Wrong{"[::1]", kForm}, Wrong{"fe80::1%eth0", kForm},
                    Wrong{":::", kForm}, Wrong{"10.0.0.0/33", kBits4}, Wrong{"10.0.0.0/", kBits4},
                    Wrong{"10.0.0.0/-1", kBits4}, Wrong{"10.0.0.0/+8", kBits4}, Wrong{"10.0.0.0/8/8", kBits4},
                    Wrong{"10.0.0.0/255.0.0.0", kBits4}, Wrong{"10.0.0.0/99999999999999999999", kBits4},
                    Wrong{"fd00::/129", "0 to 128"},
                    Wrong{"10.0.0.5/8", "write 10.0.0.0/8 for the network, or 10.0.0.5"},
                    Wrong{"fd00::5/8", "write fd00::/8 for the network, or fd00::5"}));

TEST(Network, ALongTextIsRefusedAsItIs) {
  EXPECT_NE(read_network(std::string(1U << 20U, '1')).problem.find(kForm), std::string::npos);
  EXPECT_NE(read_network(std::string("10.0.0.1\0/8", 11)).problem, "");
}

TEST(Network, NoAddressIsInNone) {
  EXPECT_FALSE(any_contains({read_network("::/0").network, read_network("0.0.0.0/0").network}, Address{}));
  EXPECT_FALSE(any_contains({}, numeric_address("10.0.0.1", 1).value()));
}

}  // namespace
}  // namespace net
