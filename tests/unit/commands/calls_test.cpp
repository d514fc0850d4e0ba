#include "commands/calls.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "commands/password_hash.hpp"

namespace dtud::commands {
namespace {

// Calls on a lane that the test runs until something has happened.
struct CallsTest : ::testing::Test {
  Lane lane{"test"};
  Log log{Level::error, false};
  Directory directory;
  Access access;
  Calls calls{lane, log, directory, access};

  void offer(const std::string& name, uint32_t flags, Builtin builtin) {
    Command c;
    c.name = name;
    c.flags = flags;
    c.codes = {7};
    c.builtin = std::move(builtin);
    ASSERT_EQ(directory.add(std::move(c)), "");
  }
  // Runs the lane until the call is answered.
  Answer call(Request request) {
    std::optional<Answer> answer;
    lane.post([&] {
      const Answer refusal = calls.invoke(request, nullptr, [&](const Answer& a) {
        answer = a;
        lane.stop();
      });
      EXPECT_FALSE(answer.has_value()) << "answered inside invoke()";
      if (refusal.status != DTU_OK) {
        answer = refusal;
        lane.stop();
      }
    });
    lane.run();
    return answer.value_or(Answer{DTU_E_INTERNAL, "", "never answered"});
  }
  static Caller channel(uint64_t number) {
    return {Caller::Kind::channel, number, 0, "channel " + std::to_string(number)};
  }
  static Caller plugin() { return {Caller::Kind::self, 0, 0, "hal x"}; }
  static Request request(const std::string& command, const Caller& caller = channel(1)) {
    Request r;
    r.command = command;
    r.caller = caller;
    return r;
  }
};

const Builtin kEcho = [](const std::string& args, const Caller&, const Done& done) { done({DTU_OK, args, ""}); };

// Only the kernel, and a plugin for itself: neither the console nor a channel that knows the password.
TEST_F(CallsTest, AnInternalCommandIsOfTheKernelAndOfPlugins) {
  offer("channel.greeting", DTU_COMMAND_INTERNAL, kEcho);
  EXPECT_EQ(call(request("channel.greeting", Caller{})).status, DTU_OK) << "asked by the kernel";
  EXPECT_EQ(call(request("channel.greeting", console_caller())).status, DTU_E_UNSUPPORTED);
  EXPECT_EQ(call(request("channel.greeting", plugin())).status, DTU_OK);
  access.set_password("pw");
  Request r = request("channel.greeting");
  r.password = "pw";
  EXPECT_EQ(call(r).status, DTU_E_UNSUPPORTED);
}

// What a plugin asks while it answers: with the rights of whoever called it, and not an entry of its own.
TEST_F(CallsTest, WhatIsPartOfAnAnswerHasTheRightsOfTheCaller) {
  offer("secret", DTU_COMMAND_PASSWORD, kEcho);
  access.set_password("pw");
  Caller caller = channel(3);
  caller.through_answer = true;
  EXPECT_EQ(call(request("secret", caller)).status, DTU_E_DENIED);
  ASSERT_EQ(calls.audit().entries().size(), 1U) << "a refusal is an entry all the same";
  caller.gave_password = true;
  access.stopped = true;
  EXPECT_EQ(call(request("secret", caller)).status, DTU_OK) << "it was let in before";
  EXPECT_EQ(calls.audit().entries().size(), 1U);
}

TEST_F(CallsTest, ARemoteIsLockedOutUnderItsName) {
  offer("secret", DTU_COMMAND_PASSWORD, kEcho);
  access.set_password("pw");
  const auto guess = [&](const char* name) {
    Request r = request("secret", {Caller::Kind::remote, 0, 0, name});
    r.password = "no";
    return call(r).status;
  };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(guess("sms 1"), DTU_E_WRONG_PASSWORD);
  EXPECT_EQ(guess("sms 1"), DTU_E_LOCKED);
  EXPECT_EQ(guess("sms 2"), DTU_E_WRONG_PASSWORD);
}

TEST_F(CallsTest, WhatAPluginOnlyLooksAtIsNoEntryOfTheAudit) {
  offer("look", 0, kEcho);
  EXPECT_EQ(call(request("look", plugin())).status, DTU_OK);
  EXPECT_TRUE(calls.audit().entries().empty());
  Command c;
  c.name = "change";
  c.flags = DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES;
  c.builtin = kEcho;
  ASSERT_EQ(directory.add(std::move(c)), "");
  EXPECT_EQ(call(request("change", plugin())).status, DTU_OK);
  ASSERT_EQ(calls.audit().entries().size(), 1U);
  EXPECT_EQ(calls.audit().entries()[0].source, "hal x");
}

TEST_F(CallsTest, OneProviderCanBeNamed) {
  offer("echo", 0, kEcho);
  Request r = request("echo");
  r.to = "kernel";
  EXPECT_EQ(call(r).status, DTU_OK);
  r.to = "hal x";
  const Answer answer = call(r);
  EXPECT_EQ(answer.status, DTU_E_NOT_FOUND);
  EXPECT_EQ(answer.error, "no such command: echo of hal x");
}

TEST_F(CallsTest, ByNameAndByCode) {
  offer("echo", 0, kEcho);
  Request r;
  r.code = 7;
  r.args = R"({"a":1})";
  r.caller = channel(1);
  EXPECT_EQ(call(r).json, R"({"a":1})");
}

TEST_F(CallsTest, AnUnknownCommandIsNamed) {
  const Answer a = call(request("no.such"));
  EXPECT_EQ(a.status, DTU_E_NOT_FOUND);
  EXPECT_NE(a.error.find("no.such"), std::string::npos);
}

TEST_F(CallsTest, PasswordIsAskedOfAllButTheConsoleAndTrustedPlugins) {
  offer("secret", DTU_COMMAND_PASSWORD, kEcho);
  access.set_password("pw");
  EXPECT_EQ(call(request("secret")).status, DTU_E_DENIED);
}

TEST_F(CallsTest, TheConsoleNeedsNoPassword) {
  offer("secret", DTU_COMMAND_PASSWORD, kEcho);
  access.set_password("pw");
  Request r = request("secret", console_caller());
  EXPECT_EQ(call(r).status, DTU_OK);
}

TEST_F(CallsTest, TheRightPasswordOpens) {
  offer("secret", DTU_COMMAND_PASSWORD, kEcho);
  access.set_password("pw");
  Request r = request("secret");
  r.password = "pw";
  EXPECT_EQ(call(r).status, DTU_OK);
}

// With the password kept as a hash the comparison happens off the lane, and the answers come in their order.
TEST_F(CallsTest, HashedPasswordsAreComparedOneAfterTheOther) {
  offer("secret", DTU_COMMAND_PASSWORD, kEcho);
  access.set_password(hash_password("pw"));
  const std::vector<std::string> given = {"no", "pw", "no", "pw"};
  std::vector<dtu_status> answers(given.size(), DTU_PENDING);
  size_t left = given.size();
  lane.post([&] {
    for (size_t i = 0; i < given.size(); ++i) {
      Request r = request("secret");
      r.password = given[i];
      const Answer refusal = calls.invoke(r, nullptr, [&, i](const Answer& a) {
        answers[i] = a.status;
        if (--left == 0) lane.stop();
      });
      ASSERT_EQ(refusal.status, DTU_OK) << refusal.error;
    }
    EXPECT_TRUE(calls.remote_under_way());
  });
  lane.run();
  EXPECT_EQ(answers, (std::vector<dtu_status>{DTU_E_WRONG_PASSWORD, DTU_OK, DTU_E_WRONG_PASSWORD, DTU_OK}));
  EXPECT_FALSE(calls.remote_under_way());
}

TEST_F(CallsTest, GuessesInABurstAreLockedOutLikeOthers) {
  offer("secret", DTU_COMMAND_PASSWORD, kEcho);
  access.set_password(hash_password("pw"));
  size_t wrong = 0, locked = 0, left = 100;
  lane.post([&] {
    for (size_t i = 0; i < 100; ++i) {
      Request r = request("secret");
      const std::string guess = "guess " + std::to_string(i);
      r.password = guess;
      const Answer refusal = calls.invoke(r, nullptr, [&](const Answer& a) {
        wrong += a.status == DTU_E_WRONG_PASSWORD ? 1 : 0;
        locked += a.status == DTU_E_LOCKED ? 1 : 0;
        if (--left == 0) lane.stop();
      });
      ASSERT_EQ(refusal.status, DTU_OK) << refusal.error;
    }
  });
  lane.run();
  EXPECT_EQ(wrong, 5U);
  EXPECT_EQ(locked, 95U);
}

struct StrictCallsTest : CallsTest {
  Request wrong_arguments_behind_a_hash() {
    Command c;
    c.name = "strict";
    c.flags = DTU_COMMAND_PASSWORD;
    c.arguments = std::make_shared<Arguments>(R"({"type": "object", "additionalProperties": false})");
    c.builtin = kEcho;
    EXPECT_EQ(directory.add(std::move(c)), "");
    access.set_password(hash_password("pw"));
    Request r = request("strict");
    r.args = R"({"x": 1})";
    return r;
  }
};

TEST_F(StrictCallsTest, ArgumentsAreLookedAtAfterThePassword) {
  Request r = wrong_arguments_behind_a_hash();
  r.password = "no";
  EXPECT_EQ(call(r).status, DTU_E_WRONG_PASSWORD);
  EXPECT_EQ(calls.audit().entries().back().result, "wrong_password");
}

TEST_F(StrictCallsTest, WrongArgumentsBehindAHashedPassword) {
  Request r = wrong_arguments_behind_a_hash();
  r.password = "pw";
  EXPECT_EQ(call(r).status, DTU_E_INVALID);
}

TEST_F(CallsTest, TheAuditSaysWhoAndWhatButNotThePassword) {
  offer("secret", DTU_COMMAND_PASSWORD | DTU_COMMAND_CHANGES, kEcho);
  access.set_password("pw");
  Request r = request("secret", channel(3));
  r.password = "pw";
  r.args = R"({"value":"not shown"})";
  EXPECT_EQ(call(r).status, DTU_OK);
  ASSERT_EQ(calls.audit().entries().size(), 1U);
  const Audit::Entry& entry = calls.audit().entries().back();
  EXPECT_EQ(entry.source, "channel 3");
  EXPECT_EQ(entry.command, "secret");
  EXPECT_EQ(entry.result, "ok");
  EXPECT_EQ(entry.error, "");
}

TEST_F(CallsTest, LocalOnlyIsRefusedToOthers) {
  offer("local", DTU_COMMAND_LOCAL, kEcho);
  EXPECT_EQ(call(request("local")).status, DTU_E_UNSUPPORTED);
}

TEST_F(CallsTest, AStoppedProtocolRefuses) {
  offer("echo", 0, kEcho);
  access.stopped = true;
  EXPECT_EQ(call(request("echo")).status, DTU_E_STOPPED);
}

TEST_F(CallsTest, WhatStartsItAgainIsNotRefused) {
  offer("start", DTU_COMMAND_WHEN_STOPPED, kEcho);
  access.stopped = true;
  EXPECT_EQ(call(request("start")).status, DTU_OK);
}

TEST_F(CallsTest, WrongArgumentsAreRefusedBeforeTheCommandRuns) {
  bool ran = false;
  offer("echo", 0, [&](const std::string&, const Caller&, const Done& done) {
    ran = true;
    done({});
  });
  Request r = request("echo");
  r.args = "[]";
  EXPECT_EQ(call(r).status, DTU_E_INVALID);
  EXPECT_FALSE(ran);
}

TEST_F(CallsTest, AnUnansweredCallEndsAtItsDeadlineAndALateAnswerIsIgnored) {
  Done kept;
  offer("slow", 0, [&](const std::string&, const Caller&, const Done& done) { kept = done; });
  Request r = request("slow");
  r.deadline_ms = 20;
  const Answer a = call(r);
  EXPECT_EQ(a.status, DTU_E_TIMEOUT);
  EXPECT_NE(a.error.find("slow"), std::string::npos);
  EXPECT_EQ(calls.under_way(), 0U);
  kept({DTU_OK, "1", ""});
}

TEST_F(CallsTest, TooManyAtOnceAreRefusedAsBusy) {
  std::vector<Done> kept;
  offer("slow", 0, [&](const std::string&, const Caller&, const Done& done) { kept.push_back(done); });
  Answer last;
  size_t refused = 0;
  lane.post([&] {
    for (int i = 0; i < 10000; ++i) {
      last = calls.invoke(request("slow"), nullptr, [](const Answer&) {});
      if (last.status != DTU_OK) ++refused;
    }
    lane.stop();
  });
  lane.run();
  EXPECT_EQ(last.status, DTU_AGAIN);
  EXPECT_EQ(refused, 10000 - Calls::kMost);
}

TEST_F(CallsTest, TooMuchAtOnceIsRefusedAsBusy) {
  std::vector<Done> kept;
  offer("slow", 0, [&](const std::string&, const Caller&, const Done& done) { kept.push_back(done); });
  Request heavy = request("slow");
  heavy.args = "{" + std::string(1'000'000, ' ') + "}";
  size_t taken = 0;
  std::string refusal;
  const auto fill = [&] {
    for (int i = 0; i < 10; ++i)
      if (const Answer a = calls.invoke(heavy, nullptr, [](const Answer&) {}); a.status == DTU_OK)
        ++taken;
      else
        refusal = a.error;
  };
  lane.post([&] {
    fill();
    EXPECT_EQ(taken, Calls::kMostBytes / heavy.args.size()) << refusal;
    lane.post([&] {  // the first ones have been handed over by now
      for (const Done& done : kept) done({DTU_OK, "1", ""});
      taken = 0;
      fill();
      EXPECT_EQ(taken, Calls::kMostBytes / heavy.args.size()) << "what is answered counts no more";
      lane.stop();
    });
  });
  lane.run();
}

}  // namespace
}  // namespace dtud::commands
