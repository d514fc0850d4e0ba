#include <gtest/gtest.h>
#include <dtu/sdk/text.hpp>

#include <dtu/kit/mqtt/options.hpp>
#include <mqtt/resolve.hpp>

namespace mqtt {
namespace {

TEST(Address, IsReadAsPeopleWriteIt) {
  struct Case {
    const char *url, *host;
    int port;
    bool tls;
  };
  for (const Case& c : {Case{"broker", "broker", 0, false},
                        {"broker:1884", "broker", 1884, false},
                        {"mqtt://broker/", "broker", 0, false},
                        {"tcp://1.2.3.4:1", "1.2.3.4", 1, false},
                        {"mqtts://broker:8884", "broker", 8884, true},
                        {"ssl://broker", "broker", 0, true},
                        {"[::1]:99", "::1", 99, false},
                        {"mqtts://[fe80::1]", "fe80::1", 0, true},
                        {"::1", "::1", 0, false}}) {
    const Address a = parse_address(c.url);
    EXPECT_EQ(a.host, c.host) << c.url;
    EXPECT_EQ(a.port, c.port) << c.url;
    EXPECT_EQ(a.tls, c.tls) << c.url;
  }
}

TEST(Address, NonsenseIsRefused) {
  for (const std::string& url :
       {std::string(), std::string("mqtt://"), std::string("http://a"), std::string("a:0"), std::string("a:65536"),
        std::string("a:x"), std::string("[::1"), std::string("[::1]x"), std::string("a/b"), std::string("user@a"),
        std::string("a b"), std::string(300, 'a'), std::string("a\0b", 3)})
    EXPECT_THROW(parse_address(url), dtu::Failure) << url;
}

TEST(Resolve, NumbersNeedNoServer) {
  EXPECT_EQ(resolve("127.0.0.1"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(resolve("::1"), std::vector<std::string>{"::1"});
  EXPECT_THROW(resolve("no-such-host.invalid"), dtu::Failure);
}

}  // namespace
}  // namespace mqtt
