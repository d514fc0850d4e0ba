// The network as the kernel tells it: the real one, and one made of a socket pair.
#include "net/network.hpp"

#include <Poco/JSON/Parser.h>
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "part.hpp"

namespace hal_linux::test {
namespace {

using testing::Not;

std::string bytes_of(const void* from, size_t size) { return {static_cast<const char*>(from), size}; }
std::string padded(std::string text) {
  text.resize((text.size() + 3) / 4 * 4, '\0');
  return text;
}
std::string attribute(unsigned short type, const std::string& data) {
  const rtattr head{static_cast<unsigned short>(sizeof(rtattr) + data.size()), type};
  return padded(bytes_of(&head, sizeof head) + data);
}
std::string address(const char* text) {
  std::array<char, 16> raw{};
  const int family = std::string(text).find(':') == std::string::npos ? AF_INET : AF_INET6;
  EXPECT_EQ(inet_pton(family, text, raw.data()), 1) << text;
  return {raw.data(), family == AF_INET ? 4U : 16U};
}
std::string number(uint32_t value) { return bytes_of(&value, sizeof value); }
std::string message(unsigned short type, const std::string& body, uint32_t sequence, unsigned short flags = 0) {
  nlmsghdr head{};
  head.nlmsg_len = static_cast<uint32_t>(sizeof head + body.size());
  head.nlmsg_type = type;
  head.nlmsg_flags = flags;
  head.nlmsg_seq = sequence;
  return padded(bytes_of(&head, sizeof head) + body);
}
std::string link_body(int index, const std::string& name, int state, unsigned flags = IFF_UP | IFF_RUNNING) {
  ifinfomsg head{};
  head.ifi_index = index;
  head.ifi_flags = flags;
  return bytes_of(&head, sizeof head) + attribute(IFLA_IFNAME, name + std::string(1, '\0')) +
         attribute(IFLA_OPERSTATE, std::string(1, static_cast<char>(state)));
}
std::string address_body(unsigned index, const char* text, unsigned char prefix, uint32_t flags = 0) {
  ifaddrmsg head{};
  head.ifa_family = std::string(text).find(':') == std::string::npos ? AF_INET : AF_INET6;
  head.ifa_index = index;
  head.ifa_prefixlen = prefix;
  return bytes_of(&head, sizeof head) + attribute(IFA_ADDRESS, address(text)) + attribute(IFA_FLAGS, number(flags));
}
std::string route_body(const char* gateway, int index, uint32_t metric, unsigned char to_bits = 0,
                       uint32_t table = RT_TABLE_MAIN) {
  rtmsg head{};
  head.rtm_family = std::string(gateway).find(':') == std::string::npos ? AF_INET : AF_INET6;
  head.rtm_dst_len = to_bits;
  head.rtm_type = RTN_UNICAST;
  return bytes_of(&head, sizeof head) + attribute(RTA_TABLE, number(table)) + attribute(RTA_PRIORITY, number(metric)) +
         attribute(RTA_GATEWAY, address(gateway)) + attribute(RTA_OIF, number(static_cast<uint32_t>(index)));
}

class NetworkTest : public PartTest {
 protected:
  struct Entry {
    unsigned short type;
    std::string body;
  };
  std::vector<Entry> links_{{RTM_NEWLINK, link_body(1, "lo", 0)}, {RTM_NEWLINK, link_body(2, "eth0", 6)}};
  std::vector<Entry> addresses_{{RTM_NEWADDR, address_body(2, "192.0.2.5", 24)},
                                {RTM_NEWADDR, address_body(2, "fe80::1", 64)}};
  std::vector<Entry> routes_{{RTM_NEWROUTE, route_body("192.0.2.254", 2, 100)}};
  dtu_port::Descriptor watched_, asked_;
  int dumps_ = 0;
  bool broken_ = false, silent_ = false;

  dtu_port::Descriptor open(uint32_t groups) {
    std::array<int, 2> ends{};
    if (broken_ || ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      errno = EAFNOSUPPORT;
      return {};
    }
    (groups != 0 ? watched_ : asked_) = dtu_port::Descriptor(ends[1]);
    return dtu_port::Descriptor(ends[0]);
  }
  [[nodiscard]] const std::vector<Entry>& entries(const nlmsghdr& asked, unsigned char family) const {
    static const std::vector<Entry> none;
    if (asked.nlmsg_type == RTM_GETLINK) return links_;
    if (asked.nlmsg_type == RTM_GETADDR) return addresses_;
    return family == AF_INET ? routes_ : none;
  }
  void serve() {
    std::array<char, 64> request{};
    while (asked_ && !silent_ && ::recv(asked_.get(), request.data(), request.size(), 0) > 0) {
      nlmsghdr head{};
      std::memcpy(&head, request.data(), sizeof head);
      if (head.nlmsg_type == RTM_GETLINK) ++dumps_;
      std::string reply;
      for (const Entry& e : entries(head, static_cast<unsigned char>(request[sizeof head])))
        reply += message(e.type, e.body, head.nlmsg_seq, NLM_F_MULTI);
      reply += message(NLMSG_DONE, number(0), head.nlmsg_seq, NLM_F_MULTI);
      EXPECT_GT(::send(asked_.get(), reply.data(), reply.size(), 0), 0);
    }
  }
  void notify(unsigned short type, const std::string& body) {
    const std::string text = message(type, body, 0);
    EXPECT_GT(::send(watched_.get(), text.data(), text.size(), 0), 0);
  }
  bool told(size_t events) {
    return test_host_.run_until([&] {
      serve();
      return test_host_.events().size() >= events;
    });
  }
  std::string value(Network& network, const std::string& point) {
    dtu_error error{};
    const uint64_t call = ++call_;
    if (dtu::guarded(&error, [&] { return network.read(point, call), DTU_OK; }) != DTU_OK) return error.message;
    return answer(call);
  }
  uint64_t call_ = 0;
};

TEST_F(NetworkTest, TheKernelKnowsTheLoopback) {
  if (!Network::open_rtnetlink(0)) GTEST_SKIP() << "no rtnetlink here";
  Network network(host());
  network.start();
  ASSERT_TRUE(test_host_.run_until([&] { return !test_host_.events().empty(); }))
      << value(network, "network.interfaces");
  EXPECT_THAT(value(network, "network.interfaces"), HasSubstr(R"({"name":"lo","state":")"));
  EXPECT_NO_THROW(Poco::JSON::Parser().parse(value(network, "network.default_route")));
  network.stop();
}

TEST_F(NetworkTest, ShowsInterfacesAddressesAndTheBestRoutes) {
  links_.push_back({RTM_NEWLINK, link_body(3, "wwan0", 2)});
  addresses_.push_back({RTM_NEWADDR, address_body(2, "2001:db8::7", 64, IFA_F_TENTATIVE)});
  routes_.push_back({RTM_NEWROUTE, route_body("192.0.2.1", 2, 50)});
  routes_.push_back({RTM_NEWROUTE, route_body("192.0.2.2", 2, 1, 24)});
  routes_.push_back({RTM_NEWROUTE, route_body("192.0.2.3", 2, 1, 0, 77)});
  Network network(host(), [this](uint32_t groups) { return open(groups); });
  network.start();
  EXPECT_THAT(value(network, "network.interfaces"), HasSubstr("has not answered yet"));
  ASSERT_TRUE(told(1));
  EXPECT_EQ(value(network, "network.interfaces"),
            R"([{"name":"lo","state":"up","addresses":[]},)"
            R"({"name":"eth0","state":"up","addresses":["192.0.2.5/24","fe80::1/64"]},)"
            R"({"name":"wwan0","state":"down","addresses":[]}])");
  EXPECT_EQ(value(network, "network.default_route"),
            R"({"ipv4":{"interface":"eth0","gateway":"192.0.2.1","metric":50},"ipv6":null})");
  EXPECT_THAT(test_host_.events().back().json, HasSubstr(R"({"online":true,)"));
  network.stop();
}

TEST_F(NetworkTest, AChangeIsToldOnceAndACrowdOfThemIsOneList) {
  Network network(host(), [this](uint32_t groups) { return open(groups); });
  network.start();
  ASSERT_TRUE(told(1));
  routes_.clear();
  for (int i = 0; i < 20; ++i) notify(RTM_DELROUTE, route_body("192.0.2.254", 2, 100));
  ASSERT_TRUE(told(2));
  EXPECT_EQ(dumps_, 2);
  EXPECT_THAT(test_host_.events().back().json,
              HasSubstr(R"({"online":false,"default_route":{"ipv4":null,"ipv6":null})"));
  notify(RTM_NEWROUTE, route_body("192.0.2.254", 2, 100, 24));  // no default route: not asked for
  notify(RTM_NEWLINK, link_body(2, "eth0", 6));                 // as before: not told
  EXPECT_TRUE(test_host_.run_until([&] { return serve(), dumps_ == 3; }));
  links_.pop_back();
  notify(RTM_DELLINK, link_body(2, "eth0", 2));
  ASSERT_TRUE(told(3));
  EXPECT_THAT(test_host_.events().back().json, Not(HasSubstr("eth0"))) << "nothing was told in between";
  network.stop();
}

TEST_F(NetworkTest, WithoutRtnetlinkThePointsSayWhyAndItIsTriedAgain) {
  test_host_.use_fake_clock();
  broken_ = true;
  Network network(host(), [this](uint32_t groups) { return open(groups); });
  network.start();
  EXPECT_THAT(value(network, "network.interfaces"), HasSubstr("no rtnetlink socket: Address family not supported"));
  broken_ = false;
  test_host_.advance(std::chrono::seconds(60));
  EXPECT_TRUE(told(1));
  network.stop();
}

TEST_F(NetworkTest, AnAnswerThatDoesNotComeIsAskedForAgain) {
  test_host_.use_fake_clock();
  silent_ = true;
  Network network(host(), [this](uint32_t groups) { return open(groups); });
  network.start();
  test_host_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(test_host_.events().empty());
  silent_ = false;
  asked_.reset();
  test_host_.advance(std::chrono::seconds(5));
  EXPECT_TRUE(told(1));
  network.stop();
}

TEST(NetworkTable, WhatIsCutOffOrLiesAboutItsLengthIsLeftAlone) {
  const std::string whole = message(RTM_NEWLINK, link_body(2, "eth0", 6), 1) +
                            message(RTM_NEWADDR, address_body(2, "192.0.2.5", 24), 1) +
                            message(RTM_NEWROUTE, route_body("192.0.2.254", 2, 100), 1);
  for (size_t size = 0; size <= whole.size(); ++size) {
    NetworkTable table;
    table.take(std::string(whole, 0, size), 1);
    EXPECT_NO_THROW(Poco::JSON::Parser().parse(table.event())) << size;
    (void)concerns_network(std::string(whole, 0, size));
  }
  for (size_t at = 0; at < whole.size(); ++at)
    for (const char wrong : {'\0', '\1', '\x7f', '\xff'}) {
      std::string broken = whole;
      broken[at] = wrong;
      NetworkTable table;
      table.take(broken, 1);
      EXPECT_NO_THROW(Poco::JSON::Parser().parse(table.event())) << at;
      (void)concerns_network(broken);
    }
}

TEST(NetworkTable, IsBoundedAndTheEventFitsIntoAState) {
  NetworkTable table;
  for (int i = 1; i <= 200; ++i) {
    table.take(message(RTM_NEWLINK, link_body(i, "i\"\n\xff" + std::to_string(i), 6), 1), 1);
    for (int a = 0; a < 40; ++a)
      table.take(message(RTM_NEWADDR,
                         address_body(static_cast<unsigned>(i),
                                      ("10.0." + std::to_string(i) + "." + std::to_string(a)).c_str(), 24),
                         1),
                 1);
    table.take(message(RTM_NEWROUTE, route_body("192.0.2.254", i, 100), 1), 1);
  }
  EXPECT_EQ(table.left_out(), 200U - 64 + 64U * 8 + 200 - 64);
  const auto event = Poco::JSON::Parser().parse(table.event()).extract<Poco::JSON::Object::Ptr>();
  EXPECT_LT(table.event().size(), 4096U);
  EXPECT_EQ(event->getArray("interfaces")->size() + event->getValue<size_t>("more"), 64U);
}

}  // namespace
}  // namespace hal_linux::test
