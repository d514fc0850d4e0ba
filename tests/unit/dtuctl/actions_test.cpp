// Calls, points, exit codes, help.
#include "fixture.hpp"
#include "raw_client.hpp"

namespace dtuctl::test {
namespace {

using dtud::control::test::RawClient;

TEST_F(DtuctlTest, CallByName) {
  answer("call", R"({"status": "ok", "result": {"csq": 21}})");
  const Result r = dtuctl({"call", "radio.csq", "{\"a\": [1]}"});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.out, "{\n  \"csq\": 21\n}\n");
  EXPECT_EQ(backend_.body_of("call"), R"({"command": "radio.csq", "args": {"a": [1]}, "deadline_ms": 10000})");
  EXPECT_EQ(dtuctl({"--json", "call", "radio.csq"}).out, "{\"status\": \"ok\", \"result\": {\"csq\": 21}}\n");
}

TEST_F(DtuctlTest, CallByCode) {
  answer("call", R"({"status": "ok", "result": "fine"})");
  for (const char* code : {"3", "0x03", "0X3", "003"}) {
    EXPECT_EQ(dtuctl({"call", code, "--timeout", "7"}).out, "fine\n");
    EXPECT_EQ(backend_.body_of("call"), R"({"code": 3, "args": {}, "deadline_ms": 7000})") << code;
  }
  for (const char* args : {"qzX", "{\"new_password\": qzX}", "[\"qzX\"]"})
    EXPECT_THAT(dtuctl({"call", "password.set", args}).err, testing::Not(HasSubstr("qzX")));
  EXPECT_EQ(dtuctl({"call", "0xzz"}).code, 2);
  EXPECT_EQ(dtuctl({"call", "3a"}).code, 2);
  EXPECT_EQ(dtuctl({"call", "99999999999999999999"}).code, 2);
}

TEST_F(DtuctlTest, CallWithArgumentsFromStandardInput) {
  Process::Setup setup;
  setup.input = "{\"text\": \"hello\"}";
  EXPECT_EQ(dtuctl({"call", "sms.send", "-"}, setup).code, 1);  // the fake's answer has no status
  EXPECT_THAT(backend_.body_of("call"), HasSubstr("\"args\": {\"text\": \"hello\"}"));
}

TEST_F(DtuctlTest, CallRefused) {
  answer("call", R"({"status": "denied", "error": "give the password"})");
  const Result r = dtuctl({"call", "config.set"});
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.out, "");
  EXPECT_EQ(r.err, "dtuctl: config.set: denied: give the password\n");
}

TEST_F(DtuctlTest, CallThatTookTooLong) {
  answer("call", R"({"status": "timeout", "error": "no answer from the modem"})");
  EXPECT_EQ(dtuctl({"call", "radio.csq"}).code, 4);
}

TEST_F(DtuctlTest, CallWithWrongArguments) {
  EXPECT_EQ(dtuctl({"call", "x", "[1]"}).code, 2);
  EXPECT_EQ(dtuctl({"call", "x", "{"}).code, 2);
  EXPECT_EQ(dtuctl({"call", "x", "{}, \"command\": \"y\""}).code, 2);
  EXPECT_EQ(backend_.body_of("call"), "-");
}

TEST_F(DtuctlTest, ReadAndWrite) {
  answer("read_point device.imei", R"({"name": "device.imei", "value": "861234567890123"})");
  answer("read_point adc.0", R"({"name": "adc.0", "value": 3.25})");
  answer("write_point gpio.4", R"({"name": "gpio.4", "value": 1})");
  answer("write_point label", R"({"name": "label", "value": "hello"})");
  EXPECT_EQ(dtuctl({"read", "device.imei"}).out, "861234567890123\n");
  EXPECT_EQ(dtuctl({"read", "adc.0"}).out, "3.25\n");
  EXPECT_EQ(dtuctl({"--json", "read", "adc.0"}).out, "{\"name\": \"adc.0\", \"value\": 3.25}\n");
  EXPECT_EQ(dtuctl({"write", "gpio.4", "-1.5"}).out, "1\n");
  EXPECT_EQ(backend_.body_of("write_point gpio.4"), "-1.5");
  EXPECT_EQ(dtuctl({"write", "label", "say \"hello\""}).out, "hello\n");
  EXPECT_EQ(backend_.body_of("write_point label"), "\"say \\\"hello\\\"\"");
}

TEST_F(DtuctlTest, AStaleValueSaysSoBesideTheValue) {
  answer("read_point radio.csq", R"({"name": "radio.csq", "value": 17, "age_ms": 200000, "stale": true})");
  answer("read_point adc.0", R"({"name": "adc.0", "value": 1, "age_ms": 200000, "stale": false})");
  const Result stale = dtuctl({"read", "radio.csq"});
  EXPECT_EQ(stale.code, 0);
  EXPECT_EQ(stale.out, "17\n");
  EXPECT_THAT(stale.err, HasSubstr("radio.csq is stale: it was measured 3 m 20 s ago"));
  EXPECT_EQ(dtuctl({"read", "adc.0"}).err, "");
}

TEST_F(DtuctlTest, OddNamesReachDtudWhole) {
  answer("read_point a b/c?d%e", R"({"name": "x", "value": null})");
  EXPECT_EQ(dtuctl({"read", "a b/c?d%e"}).out, "null\n");
}

TEST_F(DtuctlTest, WhatDtudRefusesIsOneWithItsWords) {
  answer("read_point none", R"({"error": "there is no point none"})", 404);
  const Result r = dtuctl({"read", "none"});
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.err, "dtuctl: there is no point none\n");
}

TEST_F(DtuctlTest, NoDtudIsThree) {
  no_server_ = true;
  const Result r = dtuctl({"status"});
  EXPECT_EQ(r.code, 3);
  EXPECT_THAT(r.err, HasSubstr("no dtud answers at " + socket_ + " (No such file or directory)"));
  EXPECT_THAT(r.err, HasSubstr("dtud --board"));
}

TEST_F(DtuctlTest, TheSocketComesFromTheEnvironment) {
  Process::Setup setup;
  setup.environment = {"DTUKIT_SOCKET=" + dir_.file("other")};
  const Result r = run({DTUCTL, "status"}, setup);
  EXPECT_EQ(r.code, 3);
  EXPECT_THAT(r.err, HasSubstr(dir_.file("other")));
  EXPECT_THAT(run({DTUCTL, "status"}).err, HasSubstr("/run/dtukit/control.sock"));
  answer("status", "{}");
  setup.environment = {"DTUKIT_SOCKET=" + dir_.file("other")};
  EXPECT_EQ(dtuctl({"status"}, setup).code, 0);  // --socket wins
}

TEST_F(DtuctlTest, NoAnswerInTimeIsFour) {
  backend_.hang_on = "ports";
  const Result r = dtuctl({"ports", "--timeout=1"});
  EXPECT_EQ(r.code, 4);
  EXPECT_THAT(r.err, HasSubstr("did not answer in time"));
  answer("status", R"({"error": "the kernel is busy"})", 503);
  EXPECT_EQ(dtuctl({"status"}).code, 4);
}

TEST_F(DtuctlTest, WaitingShowsOnATerminal) {
  backend_.hang_on = "ports";
  Process::Setup setup;
  setup.terminal = true;
  Process process(command({"ports", "--timeout", "20"}), setup);
  EXPECT_TRUE(process.read_until("dtuctl: waiting for dtud .."));
  running_->stop(std::chrono::steady_clock::now() + kPatience);
  const Result r = process.finish();
  EXPECT_EQ(r.code, 4);
  EXPECT_THAT(r.out, HasSubstr("dtud is stopping"));
}

TEST_F(DtuctlTest, ABusyServerIsAskedAgain) {
  workers_ = 1;
  answer("read_point a", R"({"name": "a", "value": 7})");
  const auto argv = command({"read", "a", "--timeout", "20"});
  backend_.hang_on = "status";
  RawClient other(socket_);
  other.send("GET /v1/status HTTP/1.1\r\nHost: d\r\n\r\n");
  ASSERT_TRUE(backend_.wait_asked("status"));
  Process process(argv);
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (running_->server.counters().refused_busy == 0 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
  EXPECT_GT(running_->server.counters().refused_busy, 0U);
  backend_.release();
  const Result r = process.finish();
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.out, "7\n");
}

TEST_F(DtuctlTest, UsageIsTwo) {
  for (const std::vector<std::string>& words :
       std::initializer_list<std::vector<std::string>>{{"nonsense"},
                                                       {"read"},
                                                       {"read", "a", "b"},
                                                       {"status", "--nonsense"},
                                                       {"status", "--count", "3"},
                                                       {"config"},
                                                       {"config", "nonsense"},
                                                       {"tap", "all", "--count"},
                                                       {"tap", "all", "--count", "0"},
                                                       {"log", "-n", "x"},
                                                       {"status", "--json=yes"},
                                                       {"completion", "tcsh"},
                                                       {"--timeout", "-1", "status"},
                                                       {"call", ""}}) {
    const Result r = dtuctl(words);
    EXPECT_EQ(r.code, 2) << testing::PrintToString(words) << r.err;
    EXPECT_THAT(r.err, testing::StartsWith("dtuctl: "));
    EXPECT_EQ(r.out, "");
  }
}

TEST_F(DtuctlTest, HelpIsASubcommandToo) {
  EXPECT_EQ(run({DTUCTL, "help"}).out, run({DTUCTL, "--help"}).out);
  EXPECT_EQ(run({DTUCTL, "help", "tap"}).out, run({DTUCTL, "tap", "--help"}).out);
  EXPECT_EQ(run({DTUCTL, "help", "config", "set"}).out, run({DTUCTL, "config", "set", "-h"}).out);
  const Result some = run({DTUCTL, "help", "config"});
  EXPECT_EQ(some.code, 0);
  EXPECT_THAT(some.out, HasSubstr("\n  config set "));
  EXPECT_THAT(some.out, testing::Not(HasSubstr("\n  tap ")));
  EXPECT_EQ(run({DTUCTL, "config", "--help"}).out, some.out);
  EXPECT_EQ(run({DTUCTL, "help", "nonsense"}).code, 2);
}

TEST_F(DtuctlTest, HelpNeedsNoDtudAndHasExamples) {
  const std::string all = run({DTUCTL, "--help"}).out;
  EXPECT_EQ(run({DTUCTL}).out, all);
  EXPECT_THAT(all, HasSubstr("Exit codes\n  0  success\n"));
  for (const char* name : {"status",         "plugins",
                           "plugins retry",  "plugins upgrade",
                           "inspect",        "plugins install",
                           "commands",       "call",
                           "points",         "read",
                           "write",          "ports",
                           "channels",       "tap",
                           "config show",    "config check",
                           "config set",     "config history",
                           "config unset",   "config reload",
                           "config diff",    "config rollback",
                           "config confirm", "connect",
                           "audit",          "log",
                           "metrics",        "completion",
                           "events"}) {
    EXPECT_THAT(all, HasSubstr("\n  " + std::string(name) + " ")) << name;
    std::vector<std::string> argv{DTUCTL};
    const std::string words = name;
    if (const auto space = words.find(' '); space != std::string::npos) argv.push_back(words.substr(0, space));
    argv.push_back(words.substr(words.rfind(' ') + 1));
    argv.emplace_back("--help");
    const Result r = run(argv);
    EXPECT_EQ(r.code, 0);
    EXPECT_THAT(r.out, HasSubstr("Example: dtuctl " + words)) << name;
  }
}

TEST_F(DtuctlTest, AnInstanceIsTriedAgain) {
  answer("retry channel 1", R"({"instance":"channel 1","retried":true})");
  answer("retry hal sim 2", R"({"error": "hal sim 2 is not down: it is up"})", 409);
  EXPECT_EQ(dtuctl({"plugins", "retry", "channel", "1"}).out, "channel 1 is started: see dtuctl status\n");
  EXPECT_EQ(dtuctl({"--json", "plugins", "retry", "channel 1"}).out, "{\"instance\":\"channel 1\",\"retried\":true}\n");
  const Result refused = dtuctl({"plugins", "retry", "hal", "sim", "2"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("is not down"));
}

}  // namespace
}  // namespace dtuctl::test
