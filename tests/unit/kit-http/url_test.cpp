#include <gmock/gmock.h>

#include <dtu/kit/http/url.hpp>
#include <dtu/sdk/text.hpp>

namespace http {
namespace {

TEST(Url, Parts) {
  const Url a = parse_url("http://Example.org");
  EXPECT_FALSE(a.tls);
  EXPECT_EQ(a.host, "example.org");
  EXPECT_EQ(a.port, 80);
  EXPECT_EQ(a.target, "/");
  EXPECT_EQ(a.authority(), "example.org");
  const Url b = parse_url("HTTPS://[::1]:8443/a%2Fb?c=d/e#f");
  EXPECT_TRUE(b.tls);
  EXPECT_EQ(b.host, "::1");
  EXPECT_EQ(b.port, 8443);
  EXPECT_EQ(b.target, "/a%2Fb?c=d/e");
  EXPECT_EQ(b.authority(), "[::1]:8443");
  EXPECT_EQ(b.shown(), "https://[::1]:8443/a%2Fb");
  EXPECT_EQ(parse_url("https://h?x=1").target, "/?x=1");
  EXPECT_EQ(parse_url("https://h:/x").port, 443);
}

TEST(Url, WhatIsWrongIsSaid) {
  const auto why = [](const std::string& text) {
    try {
      (void)parse_url(text);
      return std::string("accepted");
    } catch (const dtu::Failure& e) {
      return std::string(e.what());
    }
  };
  EXPECT_THAT(why(""), testing::HasSubstr("must begin with http://"));
  EXPECT_THAT(why("ftp://a/"), testing::HasSubstr("must begin with http://"));
  EXPECT_THAT(why("example.org"), testing::HasSubstr("must begin with http://"));
  EXPECT_THAT(why("http://"), testing::HasSubstr("host name"));
  EXPECT_THAT(why("http:///x"), testing::HasSubstr("host name"));
  EXPECT_THAT(why("http://a b/"), testing::HasSubstr("percent-encoded"));
  EXPECT_THAT(why("http://a/\r\nX: y"), testing::HasSubstr("percent-encoded"));
  EXPECT_THAT(why("http://a/\xc3\xa4"), testing::HasSubstr("percent-encoded"));
  EXPECT_THAT(why("http://a:0/"), testing::HasSubstr("1 to 65535"));
  EXPECT_THAT(why("http://a:65536/"), testing::HasSubstr("1 to 65535"));
  EXPECT_THAT(why("http://a:8x/"), testing::HasSubstr("1 to 65535"));
  EXPECT_THAT(why("http://[::1/"), testing::HasSubstr("]"));
  EXPECT_THAT(why("http://a/" + std::string(2048, 'x')), testing::HasSubstr("longer than 2048"));
  const std::string user = why("http://me:secret@a/");
  EXPECT_THAT(user, testing::HasSubstr("Authorization"));
  EXPECT_THAT(user, testing::Not(testing::HasSubstr("secret")));
  EXPECT_THAT(why("http://a_:b/?key=secret"), testing::Not(testing::HasSubstr("secret")));
}

TEST(Url, RedirectsAreResolved) {
  const Url from = parse_url("http://a.example:81/one/two?three");
  const auto to = [&](const char* location) {
    const Url u = follow(from, location);
    return (u.tls ? "https://" : "http://") + u.authority() + u.target;
  };
  EXPECT_EQ(to("https://b/x?y"), "https://b/x?y");
  EXPECT_EQ(to("//b/x"), "http://b/x");
  EXPECT_EQ(to("/x"), "http://a.example:81/x");
  EXPECT_EQ(to("x"), "http://a.example:81/one/x");
  EXPECT_EQ(to("../x?../y"), "http://a.example:81/x?../y");
  EXPECT_EQ(to("../../../x"), "http://a.example:81/x");
  EXPECT_EQ(to("./"), "http://a.example:81/one/");
  EXPECT_EQ(to(".."), "http://a.example:81/");
  EXPECT_EQ(to("?q"), "http://a.example:81/one/two?q");
  EXPECT_THROW((void)to("javascript:alert(1)"), dtu::Failure);
}

}  // namespace
}  // namespace http
