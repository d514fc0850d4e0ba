#include "fixture.hpp"

namespace http_test {
namespace {

std::string to(int status, const std::string& location) {
  return answer(status, "moved", "Location: " + location + "\r\n");
}

TEST_F(ClientTest, RedirectsAreFollowedForGetOnly) {
  Server server(Server::replies([](const Asked& a) {
    if (a.target != "/there") return to(std::stoi(a.target.substr(1)), "/there");
    return answer(200, a.method == "HEAD" ? "" : a.method + " " + a.body);
  }));
  for (const int status : {301, 302, 303, 307, 308}) {
    for (const char* method : {"POST", "PUT", "DELETE", "HEAD"}) {
      const Answer a = ask(request(server.url("/" + std::to_string(status)), method, method[0] == 'P' ? "x" : ""));
      EXPECT_EQ(a.status, status) << method;
      EXPECT_EQ(a.redirects, 0U);
    }
    const Answer a = get(server.url("/" + std::to_string(status)));
    EXPECT_EQ(a.status, 200) << a.text;
    EXPECT_EQ(a.body, "GET ");
    EXPECT_EQ(a.redirects, 1U);
  }
}

TEST_F(ClientTest, FiveRedirectsAndNoMore) {
  std::atomic<int> asked{0};
  Server server(Server::replies([&](const Asked& a) {
    ++asked;
    const int left = std::stoi(a.target.substr(1));
    return left == 0 ? answer(200, "arrived") : to(302, "/" + std::to_string(left - 1));
  }));
  EXPECT_EQ(get(server.url("/5")).body, "arrived");
  asked = 0;
  const Answer a = get(server.url("/1000"));
  EXPECT_EQ(a.trouble, Trouble::redirect);
  EXPECT_EQ(a.status, 302);
  EXPECT_EQ(a.body, "");
  EXPECT_EQ(asked, 6);
}

TEST_F(ClientTest, HeadersStayWithTheirServer) {
  std::mutex mutex;
  std::vector<std::string> seen;
  const auto note = [&](const Asked& a) {
    const std::lock_guard lock(mutex);
    seen.push_back(a.headers.count("authorization") != 0 ? "key" : "no key");
  };
  Server* first_server = nullptr;
  Server other(Server::replies([&](const Asked& a) {
    note(a);
    return a.target == "/back" ? to(302, first_server->url("/end")) : answer(200, "other");
  }));
  Server first(Server::replies([&](const Asked& a) {
    note(a);
    if (a.target == "/same") return to(302, "/end");
    return a.target == "/end" ? answer(200, "end") : to(307, other.url("/back"));
  }));
  first_server = &first;
  auto r = request(first.url("/same"));
  r.headers = {{"Authorization", "Bearer x"}};
  EXPECT_EQ(ask(r).body, "end");
  r.url = http::parse_url(first.url("/away"));
  EXPECT_EQ(ask(r).body, "end");
  const std::lock_guard lock(mutex);
  EXPECT_THAT(seen, testing::ElementsAre("key", "key", "key", "no key", "no key")) << "not even back where it was";
}

TEST_F(ClientTest, RedirectsThatLeadNowhere) {
  Server server(Server::replies([](const Asked& a) {
    if (a.target == "/none") return answer(302, "no location");
    return to(302, a.target == "/ftp" ? "ftp://a/b" : "http://a b/");
  }));
  const Answer none = get(server.url("/none"));
  EXPECT_EQ(none.status, 302);
  EXPECT_EQ(none.trouble, Trouble::none);
  EXPECT_EQ(none.body, "no location");
  for (const char* target : {"/ftp", "/blank"}) {
    const Answer a = get(server.url(target));
    EXPECT_EQ(a.trouble, Trouble::redirect);
    EXPECT_THAT(a.text, HasSubstr("redirects to an unusable address"));
  }
}

}  // namespace
}  // namespace http_test
