// The plugin between a kernel that answers as scripted and a server that does.
#include <dtu/commands.h>
#include <gmock/gmock.h>
#include <dtu/sdk/text.hpp>

#include <chrono>

#include "host/test_host.hpp"
#include "kit-http/server.hpp"

extern "C" const dtu_plugin DTU_ENTRY;

namespace command_acquire {
namespace {

using dtu::test::Answer;
using dtu::test::Instance;
using dtu::test::Request;
using http_test::answer;
using http_test::Asked;
using http_test::Server;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

struct AcquireTest : ::testing::Test {
  dtu::test::TestHost host;
  std::string url, version = "100", on = "1";
  std::mutex mutex;
  std::vector<Asked> seen;
  std::string body = R"({"version": "101", "nolog": 1})";
  int status = 200;
  uint64_t last_call = 0;
  Server server{Server::replies([this](const Asked& a) {
    const std::lock_guard lock(mutex);
    seen.push_back(a);
    return answer(status, body);
  })};

  AcquireTest() {
    url = server.url("/p");
    host.set_point("device.imei", "\"004999010640000\"");
    host.on_command("config.get", [this](const Request&) {
      return Answer{DTU_OK, R"({"service_acquire": )" + on + R"(, "acquire_url": ")" + url + R"(", "version": ")" +
                                version + R"(", "password": "***"})"};
    });
    host.on_command("config.change", [this](const Request&) {
      version = "101";
      return Answer{DTU_OK, R"({"stored": true})"};
    });
  }
  Instance start(const std::string& config = "{}") {
    Instance i = host.create(*DTU_ENTRY.components[0], config);
    EXPECT_TRUE(i) << i.error();
    EXPECT_EQ(i.start(), DTU_OK);
    return i;
  }
  size_t asked() {
    const std::lock_guard lock(mutex);
    return seen.size();
  }
  size_t requests(const std::string& name) {
    return static_cast<size_t>(std::count_if(host.requests().begin(), host.requests().end(),
                                             [&](const Request& r) { return r.name == name; }));
  }
  // What parameters.acquire answers.
  dtu::test::Reply call(Instance& i) {
    const auto* commands = i.iface<dtu_commands>(DTU_COMMANDS_IFACE);
    const size_t before = host.replies().size();
    dtu_error error{};
    const dtu_caller caller{sizeof caller, DTU_CALLER_CONSOLE, 0, 0, dtu::str("console")};
    const dtu_invocation asked{sizeof asked, 0, ++last_call, dtu::str("parameters.acquire"), dtu::str("{}"), &caller};
    EXPECT_EQ(commands->invoke(i.self(), &asked, &error), DTU_OK) << error.message;
    EXPECT_TRUE(host.run_until([&] { return host.replies().size() > before; }, 30s));
    return host.replies().size() > before ? host.replies().back() : dtu::test::Reply{};
  }
};

TEST_F(AcquireTest, GreaterVersionIsSetAtStart) {
  Instance i = start();
  ASSERT_TRUE(host.run_until([&] { return host.logged("version 101 of the parameters is set"); }, 30s));
  ASSERT_EQ(asked(), 1U);
  EXPECT_EQ(seen[0].method, "GET");
  EXPECT_EQ(seen[0].target, "/p?imei=004999010640000&ver=100");
  const Request& change = host.requests().back();
  EXPECT_EQ(change.name, "config.change");
  EXPECT_EQ(change.args, R"({"set":{"version": "101", "nolog": 1}})");
  EXPECT_EQ(change.caller, DTU_CALLER_SELF);
  const auto again = call(i);
  EXPECT_EQ(again.json, R"({"updated":false,"version":"101","offered":"101"})");
  EXPECT_TRUE(i.stop_and_wait());
}

TEST_F(AcquireTest, OffOrWithoutAddressNothingIsAsked) {
  on = "0";
  Instance i = start();
  ASSERT_TRUE(host.run_until([&] { return requests("config.get") == 1; }));
  host.run_for(50ms);
  EXPECT_EQ(asked(), 0U);
  EXPECT_EQ(call(i).json, R"({"updated":true,"version":"101","offered":"101"})") << "asked by hand all the same";
  url = "";
  const auto none = call(i);
  EXPECT_EQ(none.status, DTU_E_IO);
  EXPECT_THAT(none.error, HasSubstr("acquire_url is not set"));
}

TEST_F(AcquireTest, WhatCannotBeTakenIsSaid) {
  on = "0";
  Instance i = start();
  struct Row {
    int status;
    std::string body, why;
  };
  const Row rows[] = {{404, "", "HTTP 404 instead of 200"},
                      {204, "", "HTTP 204 instead of 200"},
                      {500, "", "HTTP 500 instead of 200"},
                      {200, "<html>", "not a JSON object"},
                      {200, "[1]", "not a JSON object"},
                      {200, "{}", "has no version"},
                      {200, R"({"version": "new"})", "is not a version"},
                      {200, std::string(100, '[') + std::string(100, ']'), "not a JSON object"},
                      {200, std::string((1U << 20U) + 1, ' '), "longer than 1048576 bytes"}};
  for (const Row& row : rows) {
    {
      const std::lock_guard lock(mutex);
      status = row.status;
      body = row.body;
    }
    const auto reply = call(i);
    EXPECT_EQ(reply.status, DTU_E_IO) << row.why;
    EXPECT_THAT(reply.error, HasSubstr(row.why));
    EXPECT_TRUE(host.logged(row.why)) << row.why;
  }
  EXPECT_EQ(requests("config.change"), 0U);
}

TEST_F(AcquireTest, RefusedByTheKernel) {
  on = "0";
  host.on_command("config.change", [](const Request&) {
    return Answer{DTU_E_INVALID, "", "/nolog: 7 is not allowed"};
  });
  Instance i = start();
  EXPECT_THAT(call(i).error, HasSubstr("/nolog: 7 is not allowed"));
}

TEST_F(AcquireTest, BadAddress) {
  on = "0";
  url = "ftp://somewhere";
  Instance i = start();
  EXPECT_THAT(call(i).error, HasSubstr("must begin with http://"));
}

// The clock stands still for timers; the server answers all the same, so the loop is turned by hand until it has.
struct AcquireTimes : AcquireTest {
  AcquireTimes() { host.use_fake_clock(); }
  bool settle(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!done() && std::chrono::steady_clock::now() < end) host.advance(0ms);
    return done();
  }
  bool idle(Instance& i) {
    return settle([&] { return i.health().find(R"("asking":false)") != std::string::npos; });
  }
};

TEST_F(AcquireTimes, DailyAndWithinAMinuteAfterItWasSwitchedOn) {
  version = "101";
  on = "0";
  Instance i = start();
  host.advance(10min);
  EXPECT_EQ(asked(), 0U);
  on = "1";
  host.advance(1min);
  ASSERT_TRUE(settle([&] { return asked() == 1; }));
  ASSERT_TRUE(idle(i));
  host.advance(21h);
  EXPECT_EQ(asked(), 1U);
  host.advance(181min);
  ASSERT_TRUE(settle([&] { return asked() == 2; }));
  ASSERT_TRUE(idle(i));
  on = "0";
  host.advance(48h);
  EXPECT_EQ(asked(), 2U);
  on = "1";
  host.advance(1min);
  ASSERT_TRUE(settle([&] { return asked() == 3; }));
}

TEST_F(AcquireTimes, AFailureOfTheServerIsTriedAgainAfterAnHour) {
  status = 503;
  Instance i = start();
  host.advance(0ms);
  ASSERT_TRUE(settle([&] { return asked() == 1; }));
  ASSERT_TRUE(idle(i));
  host.advance(53min);
  EXPECT_EQ(asked(), 1U);
  host.advance(8min);
  ASSERT_TRUE(settle([&] { return asked() == 2; }));
}

TEST_F(AcquireTimes, WithoutAnImeiItIsTriedAgainEveryMinuteAndSaidOnce) {
  host.set_point("device.imei", "null");
  Instance i = start();
  host.advance(10min);
  EXPECT_EQ(asked(), 0U);
  size_t said = 0;
  for (const auto& l : host.logs()) said += l.text.find("IMEI") != std::string::npos ? 1 : 0;
  EXPECT_EQ(said, 1U);
  host.set_point("device.imei", "\"1\"");
  host.advance(1min);
  ASSERT_TRUE(settle([&] { return asked() == 1; }));
}

TEST_F(AcquireTest, StopWhileTheServerIsSilent) {
  Server silent([](http_test::Peer& peer, int) { peer.wait_closed(); });
  url = silent.url();
  on = "0";
  Instance i = start();
  const auto* commands = i.iface<dtu_commands>(DTU_COMMANDS_IFACE);
  const dtu_caller caller{sizeof caller, DTU_CALLER_CONSOLE, 0, 0, {}};
  dtu_invocation asked{sizeof asked, 0, 1, dtu::str("parameters.acquire"), {}, &caller};
  for (; asked.call <= 8; ++asked.call) EXPECT_EQ(commands->invoke(i.self(), &asked, nullptr), DTU_OK);
  EXPECT_NE(commands->invoke(i.self(), &asked, nullptr), DTU_OK) << "bounded";
  commands->cancel(i.self(), 3);
  ASSERT_TRUE(host.run_until([&] { return silent.connections() == 1; }, 30s));
  EXPECT_TRUE(i.stop_and_wait());
  EXPECT_EQ(host.replies().size(), 7U);
  for (const auto& r : host.replies()) EXPECT_EQ(r.status, DTU_E_CLOSED);
}

}  // namespace
}  // namespace command_acquire
