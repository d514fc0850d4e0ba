// The routes of docs/control-api.md over real sockets.
#include <gmock/gmock.h>

#include "fake_backend.hpp"
#include "raw_client.hpp"

namespace dtud::control::test {
namespace {

using testing::HasSubstr;

class ServerTest : public testing::Test {
 protected:
  std::string ask(const std::string& method, const std::string& target, const std::string& body = {}) {
    if (!running_) running_.emplace(Server::Options{path_}, backend_);
    return RawClient::ask(path_, method, target, body);
  }
  TempDir dir_;
  std::string path_ = dir_.file("control.sock");
  FakeBackend backend_;
  std::optional<Running> running_;
};

TEST_F(ServerTest, EveryRouteReachesTheBackend) {
  struct Case {
    const char *method, *target, *asked;
  };
  for (const Case c : std::initializer_list<Case>{{"GET", "/v1/status", "status"},
                                                  {"GET", "/v1/plugins", "plugins"},
                                                  {"GET", "/v1/plugins/%2Fp%2Fx.so", "plugin /p/x.so"},
                                                  {"POST", "/v1/plugins/install", "install_plugin"},
                                                  {"POST", "/v1/plugins/retry", "retry_plugin"},
                                                  {"GET", "/v1/components/mqtt", "component mqtt"},
                                                  {"GET", "/v1/commands", "commands"},
                                                  {"POST", "/v1/call", "call"},
                                                  {"GET", "/v1/points", "points"},
                                                  {"GET", "/v1/points/adc.0", "read_point adc.0"},
                                                  {"GET", "/v1/points/a%20b%2Fc", "read_point a b/c"},
                                                  {"PUT", "/v1/points/gpio.4", "write_point gpio.4"},
                                                  {"GET", "/v1/ports", "ports"},
                                                  {"GET", "/v1/channels", "channels"},
                                                  {"GET", "/v1/events", "events"},
                                                  {"GET", "/v1/config", "config"},
                                                  {"PUT", "/v1/config", "set_config"},
                                                  {"PATCH", "/v1/config", "patch_config"},
                                                  {"GET", "/v1/config/board", "board"},
                                                  {"POST", "/v1/config/check", "check_config"},
                                                  {"GET", "/v1/log", "log 100"},
                                                  {"GET", "/v1/log?lines=7", "log 7"}}) {
    SCOPED_TRACE(std::string(c.method) + " " + c.target);
    const bool writes = std::string(c.method) != "GET";
    const std::string answer = ask(c.method, c.target, writes ? "{\"x\": 1}" : "");
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_EQ(body_of(answer), std::string("{\"asked\": \"") + c.asked + "\"}");
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_EQ(backend_.body_of(c.asked), writes ? "{\"x\": 1}" : "");
  }
}

TEST_F(ServerTest, MetricsArePlainText) {
  const std::string answer = ask("GET", "/metrics");
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(
      body_of(answer),
      testing::StartsWith("# HELP dtud_asked_total Questions\n# TYPE dtud_asked_total counter\ndtud_asked_total 1\n"
                          "# HELP dtu_control_connections "));
}

TEST_F(ServerTest, TheStatusOfTheBackendIsPassedOn) {
  backend_.set_answer("set_config", {409, "{\"ok\": false}"});
  backend_.set_answer("read_point none", Answer::error(404, "no point \"none\"\n"));
  const std::string refused = ask("PUT", "/v1/config", "{}");
  EXPECT_EQ(status_of(refused), 409);
  EXPECT_EQ(body_of(refused), "{\"ok\": false}");
  EXPECT_EQ(body_of(ask("GET", "/v1/points/none")), "{\"error\": \"no point \\\"none\\\"\\n\"}");
}

TEST_F(ServerTest, WrongPathsAndMethods) {
  EXPECT_EQ(status_of(ask("GET", "/v2/status")), 404);
  EXPECT_EQ(status_of(ask("GET", "/")), 404);
  EXPECT_EQ(status_of(ask("GET", "/v1/points/a/b")), 404);
  EXPECT_EQ(status_of(ask("GET", "/v1/components/")), 404);
  EXPECT_EQ(status_of(ask("GET", "/v1/points/%zz")), 400);
  const std::string answer = ask("POST", "/v1/config", "{}");
  EXPECT_EQ(status_of(answer), 405);
  EXPECT_THAT(answer, HasSubstr("Allow: GET, PUT, PATCH\r\n"));
  EXPECT_THAT(body_of(answer), HasSubstr("\"error\""));
  EXPECT_EQ(status_of(ask("DELETE", "/v1/status")), 405);
}

TEST_F(ServerTest, WrongParameters) {
  EXPECT_EQ(status_of(ask("GET", "/v1/log?lines=0")), 400);
  EXPECT_EQ(status_of(ask("GET", "/v1/log?lines=ten")), 400);
  EXPECT_EQ(status_of(ask("GET", "/v1/log?lines=10001")), 400);
  EXPECT_EQ(status_of(ask("GET", "/v1/tap")), 400);
}

TEST_F(ServerTest, AnExceptionOfTheBackendIsA500WithItsText) {
  backend_.throw_on = "ports";
  const std::string answer = ask("GET", "/v1/ports");
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_EQ(body_of(answer), "{\"error\": \"the fake was told to throw\"}");
}

TEST_F(ServerTest, ManyRequestsOnOneConnection) {
  running_.emplace(Server::Options{path_}, backend_);
  RawClient client(path_);
  // Two at once, then one more: what was read too much belongs to the next request.
  client.send(
      "GET /v1/ports HTTP/1.1\r\nHost: d\r\n\r\nPUT /v1/points/a HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\n\r\n7");
  EXPECT_TRUE(client.read_until("write_point a"));
  EXPECT_THAT(client.received, HasSubstr("{\"asked\": \"ports\"}"));
  client.send("GET /v1/channels HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.read_to_end());
  EXPECT_THAT(client.received, HasSubstr("{\"asked\": \"channels\"}"));
  EXPECT_EQ(backend_.body_of("write_point a"), "7");
  EXPECT_EQ(running_->server.counters().accepted, 1U);
}

TEST_F(ServerTest, ABodyInChunks) {
  running_.emplace(Server::Options{path_}, backend_);
  RawClient client(path_);
  client.send(
      "POST /v1/call HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\n{\"a\r\n5\r\n\": 1}\r\n0\r\n\r\n");
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(status_of(client.received), 200);
  EXPECT_EQ(backend_.body_of("call"), "{\"a\": 1}");
}

TEST_F(ServerTest, ATapBringsLinesUntilTheClientGoes) {
  running_.emplace(Server::Options{path_}, backend_);
  RawClient client(path_);
  client.send("GET /v1/tap?target=port%3A1 HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_feeds(1));
  EXPECT_EQ(backend_.body_of("tap port:1"), "");
  backend_.push("{\"n\": 1}");
  EXPECT_TRUE(client.read_until("{\"n\": 1}\n"));
  EXPECT_THAT(client.received, HasSubstr("application/x-ndjson"));
  backend_.push("{\"n\": 2}");
  EXPECT_TRUE(client.read_until("{\"n\": 2}\n"));
  client.close();
  EXPECT_TRUE(backend_.wait_feeds(0));  // without another line having to be pushed
}

TEST_F(ServerTest, TheLogCanBeFollowed) {
  running_.emplace(Server::Options{path_}, backend_);
  RawClient client(path_);
  client.send("GET /v1/log?follow=1 HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_feeds(1));
  backend_.push("{\"text\": \"hello\"}");
  EXPECT_TRUE(client.read_until("hello"));
}

TEST_F(ServerTest, EventsCanBeFollowed) {
  running_.emplace(Server::Options{path_}, backend_);
  RawClient client(path_);
  client.send("GET /v1/events?prefix=sms. HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_feeds(1));
  EXPECT_EQ(backend_.body_of("events sms."), "");
  backend_.push("{\"name\": \"sms.received\"}");
  EXPECT_TRUE(client.read_until("sms.received"));
}

TEST_F(ServerTest, ATapThatIsRefusedIsAnOrdinaryAnswer) {
  backend_.set_answer("tap port:9", Answer::error(404, "no port 9"));
  const std::string answer = ask("GET", "/v1/tap?target=port:9");
  EXPECT_EQ(status_of(answer), 404);
  EXPECT_EQ(body_of(answer), "{\"error\": \"no port 9\"}");
}

TEST_F(ServerTest, StoppingEndsATapCleanly) {
  running_.emplace(Server::Options{path_}, backend_);
  RawClient client(path_);
  client.send("GET /v1/tap?target=all HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_feeds(1));
  backend_.push("{\"last\": true}");
  running_->stop(std::chrono::steady_clock::now() + kPatience);
  EXPECT_TRUE(client.read_to_end());
  EXPECT_THAT(client.received, HasSubstr("{\"last\": true}\n"));
  EXPECT_THAT(client.received, testing::EndsWith("0\r\n\r\n"));
  EXPECT_TRUE(backend_.wait_feeds(0));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ServerTest, StoppingWaitsForAnAnswerInTheMaking) {
  backend_.hang_on = "status";
  running_.emplace(Server::Options{path_}, backend_);
  RawClient client(path_);
  client.send("GET /v1/status HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_asked("status"));
  running_->stop(std::chrono::steady_clock::now() + kPatience);
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(status_of(client.received), 503);
  EXPECT_EQ(body_of(client.received), "{\"error\": \"dtud is stopping\"}");
}

TEST_F(ServerTest, StoppingEndsIdleAndHalfRequests) {
  running_.emplace(Server::Options{path_}, backend_);
  RawClient idle(path_);
  RawClient half(path_);
  half.send("GET /v1/sta");
  RawClient done(path_);
  done.send("GET /v1/ports HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(done.read_until("asked"));
  const auto before = std::chrono::steady_clock::now();
  running_->stop(before + kPatience);
  EXPECT_LT(std::chrono::steady_clock::now() - before, kPatience / 2);
  EXPECT_TRUE(idle.read_to_end());
  EXPECT_TRUE(half.read_to_end());
  EXPECT_TRUE(done.read_to_end());
}

}  // namespace
}  // namespace dtud::control::test
