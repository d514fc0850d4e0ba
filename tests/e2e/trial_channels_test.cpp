// D23: a trial of more than one channel, and of one that is gone.
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/faulty_link.hpp"
#include "harness/trials.hpp"
#include "harness/udp.hpp"

namespace e2e {
namespace {

struct TrialsOfTwo : Trials {
  TcpServer cloud;
  TcpPeer other;

  [[nodiscard]] std::string both(uint16_t first) const {
    const auto tcp = [](uint16_t port) {
      return R"({"protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(port) + "}";
    };
    return R"({"conf": {"1": )" + tcp(first) + R"(, "2": )" + tcp(cloud.port()) + "}}";
  }
  // Channel 1 points itself at `first`, and then channel 2 sends a change.
  void begin_two(const std::string& more, uint16_t first, const std::string& code, const std::string& parameters) {
    const std::string document = both(boss.port());
    dtud.hal(R"({"type": "sim"})").device(R"({"password": "pw")" + more + ", " + document.substr(1));
    dtud.start();
    told = boss.accept();
    other = cloud.accept();
    ASSERT_GE(told.fd(), 0);
    ASSERT_GE(other.fd(), 0);
    ASSERT_TRUE(eventually([&] { return number(state(), "revision") > 0; }));
    ASSERT_EQ(number(order("59", both(first)), "status"), 1);
    EXPECT_EQ(told.read_to_end(), "");
    ASSERT_TRUE(eventually([&] { return number(state(), "trial.until_ns") > 0; }));
    told = std::move(other);
    const Json answer = order(code, parameters);
    ASSERT_EQ(number(answer, "status"), 1);
    EXPECT_EQ(text(answer, "note"),
              "changes of channel 1 are on trial: this change is undone with them unless channel 1 comes back");
    EXPECT_EQ(to_json(at(state(), "trial.sources")), R"(["channel 1","channel 2"])");
  }
  void is_undone() {
    ASSERT_TRUE(eventually([&] { return text(state(), "rolled_back") != ""; }));
    EXPECT_NE(text(state(), "rolled_back").find("without the changes of channel 1 and channel 2"), std::string::npos)
        << text(state(), "rolled_back");
    EXPECT_EQ(number(config(), "conf.1.port"), boss.port());
    EXPECT_EQ(text(config(), "version"), "");
    EXPECT_EQ(text(state(), "trial"), "");
    TcpPeer back = boss.accept();
    EXPECT_GE(back.fd(), 0);
  }
};

// The trial became that of channel 2, passed at once, and channel 1 stayed cut off.
TEST_F(TrialsOfTwo, AChangeOfAnotherChannelDoesNotTakeItOver) {
  ASSERT_NO_FATAL_FAILURE(begin_two(R"(, "confirm_s": 8)", free_port(), "54", R"({"version": "2"})"));
  ASSERT_NO_FATAL_FAILURE(is_undone());
  EXPECT_NE(text(state(), "rolled_back").find("channel 1 did not come back within 8 s; revision 1 is restored"),
            std::string::npos)
      << text(state(), "rolled_back");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(TrialsOfTwo, ARestartKeepsBoth) {
  ASSERT_NO_FATAL_FAILURE(begin_two("", free_port(), "54", R"({"version": "2"})"));
  dtud.kill();
  dtud.start();
  EXPECT_EQ(to_json(at(state(), "trial.sources")), R"(["channel 1","channel 2"])");
  EXPECT_NE(dtud.dtuctl({"status"}).output.find("revision 3 by channel 1, channel 2 (conf.1, version) since"),
            std::string::npos)
      << dtud.dtuctl({"status"}).output;
  ASSERT_NO_FATAL_FAILURE(give_up(3));
  ASSERT_NO_FATAL_FAILURE(is_undone());
  EXPECT_EQ(dtud.stop(), 0);
}

// Somebody at the board corrects what channel 2 sent. That ended the trial of channel 1 as well.
TEST_F(TrialsOfTwo, ALocalChangeEndsOnlyTheTrialOfItsOwnParts) {
  ASSERT_NO_FATAL_FAILURE(begin_two("", free_port(), "54", R"({"version": "2"})"));
  const Ran set = dtud.dtuctl({"config", "set", "version=\"9\""});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_NE(set.output.find("note: the trial by channel 1 and channel 2 goes on with conf.1"), std::string::npos)
      << set.output;
  EXPECT_EQ(to_json(at(state(), "trial.changed")), R"(["conf.1"])");
  ASSERT_NO_FATAL_FAILURE(give_up());
  told = boss.accept();
  EXPECT_GE(told.fd(), 0);
  EXPECT_EQ(number(config(), "conf.1.port"), boss.port());
  EXPECT_EQ(text(config(), "version"), "9");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(TrialsOfTwo, ItPassesWhenBothAreBack) {
  TcpServer moved;
  FaultyLink link(moved.port());
  link.refuse();
  ASSERT_NO_FATAL_FAILURE(begin_two("", link.port(), "54", R"({"version": "2"})"));
  ASSERT_TRUE(eventually([&] { return text(state(), "applied") == "true"; }));
  EXPECT_EQ(text(state(), "trial.good"), "1");
  link.pass();
  ASSERT_TRUE(eventually([&] { return text(state(), "trial") == ""; }));
  EXPECT_EQ(text(state(), "rolled_back"), "");
  EXPECT_EQ(number(config(), "conf.1.port"), link.port());
  EXPECT_EQ(text(config(), "version"), "2");
  EXPECT_NE(dtud.log().find("revision 3 is confirmed by channel 1 and channel 2"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(dtud.path("state/unproven.json")));
  EXPECT_EQ(dtud.stop(), 0);
}

// A smaller confirm_s of the later change is not for the earlier one, nor does a removed channel count as back.
TEST_F(TrialsOfTwo, TheOtherChannelNeitherShortensNorRemovesIt) {
  const std::string second = both(1).substr(both(1).find(R"("2": )"));  // with two ends of objects
  ASSERT_NO_FATAL_FAILURE(begin_two(R"(, "confirm_s": 600)", free_port(), "63",
                                    R"({"dtu_config": {"password": "***", "confirm_s": 1, "conf": {)" + second + "}}"));
  ASSERT_TRUE(eventually([&] { return text(state(), "applied") == "true"; }));
  ASSERT_TRUE(eventually([&] { return number(state(), "trial.seconds_left") > 0; })) << "not passed";
  EXPECT_GT(number(state(), "trial.seconds_left"), 60) << to_json(state());
  EXPECT_EQ(text(config(), "conf.1"), "");
  ASSERT_NO_FATAL_FAILURE(give_up(4));
  ASSERT_NO_FATAL_FAILURE(is_undone());
  EXPECT_EQ(dtud.stop(), 0);
}

// Channel 1 becomes channel 3, which reaches nobody. Channel 2, which the change does not touch, said that all is well.
TEST_F(TrialsOfTwo, ARenumberedChannelHasToComeUp) {
  dtud.hal(R"({"type": "sim"})").device(R"({"password": "pw", )" + both(boss.port()).substr(1));
  dtud.start();
  told = boss.accept();
  ASSERT_GE(told.fd(), 0);
  ASSERT_TRUE(dtud.channel_is("2", "up"));
  std::string renumbered = both(free_port());
  renumbered.replace(renumbered.find("\"1\""), 3, "\"3\"");
  ASSERT_EQ(number(order("59", renumbered), "status"), 1);
  EXPECT_EQ(told.read_to_end(), "");
  ASSERT_TRUE(eventually([&] { return number(state(), "trial.until_ns") > 0; })) << to_json(state());
  EXPECT_EQ(text(dtud.channel("2"), "state"), "up");
  ASSERT_NO_FATAL_FAILURE(give_up());
  told = boss.accept();
  ASSERT_GE(told.fd(), 0);
  TcpServer moved;
  renumbered = both(moved.port());
  renumbered.replace(renumbered.find("\"1\""), 3, "\"3\"");
  ASSERT_EQ(number(order("59", renumbered), "status"), 1);
  ASSERT_TRUE(eventually([&] { return text(config(), "conf.3") != "" && text(state(), "trial") == ""; }));
  EXPECT_TRUE(dtud.channel_is("3", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

// The sender is gone by its own change, so another channel is enough. UDP had heard its server once, long before.
TEST(TrialsOverUdp, WhatCameBeforeTheChangeProvesNothing) {
  UdpServer cloud;
  TcpServer boss;
  Dtud dtud;
  const std::string udp = R"("2": {"protocol": "udp", "url": "127.0.0.1", "ping": "hello", "heartbeat": 1, "port": )" +
                          std::to_string(cloud.port()) + "}}";
  dtud.hal(R"({"type": "sim"})");
  dtud.device(R"({"password": "pw", "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
              std::to_string(boss.port()) + "}, " + udp + "}");
  dtud.start();
  TcpPeer told = boss.accept();
  ASSERT_GE(told.fd(), 0);
  ASSERT_EQ(cloud.receive(), "hello");
  ASSERT_TRUE(cloud.answer(R"({"cmd_code": 0})"));
  ASSERT_TRUE(eventually([&] { return number(dtud.channel("2"), "rx_messages") == 1; }));
  ASSERT_TRUE(told.write(R"({"cmd_code": 59, "password": "pw", "data": {"conf": {)" + udp + "}}"));
  EXPECT_EQ(number(parse_json(told.read_until("}")), "status"), 1);
  const auto state = [&] { return at(dtud.status(), "config"); };
  ASSERT_TRUE(eventually([&] { return number(state(), "trial.until_ns") > 0; })) << to_json(state());
  while (cloud.receive(0) != "(nothing)") {
  }
  ASSERT_EQ(cloud.receive(), "hello");
  ASSERT_TRUE(cloud.answer(R"({"cmd_code": 0})"));
  ASSERT_TRUE(eventually([&] { return text(state(), "trial") == ""; }));
  EXPECT_EQ(text(state(), "rolled_back"), "");
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
