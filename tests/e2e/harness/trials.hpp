// A dtud with a change on trial: the one that channel 1 was told to make by its server, and which cut it off.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "dtud.hpp"
#include "pty.hpp"
#include "tcp.hpp"

namespace e2e {

struct Trials : testing::Test {
  Pty pty;
  Dtud dtud;
  TcpServer boss;
  TcpPeer told;

  static std::string conf(uint16_t port, const std::string& more = "") {
    return R"({"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(port) + more + "}}";
  }
  void start(const std::string& more = "") {
    dtud.ports({{"1", pty.device()}})
        .hal(R"({"type": "sim"})")
        .device(R"({"password": "pw", "uconf": {"1": {}}, "conf": )" + conf(boss.port()) + more + "}");
    dtud.start();
    told = boss.accept();
    ASSERT_GE(told.fd(), 0);
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return number(state(), "revision") > 0; }));
  }
  Json order(const std::string& code, const std::string& parameters) {
    const std::string request =
        R"({"msg_id": 1, "cmd_code": )" + code + R"(, "password": "pw", "data": )" + parameters + "}";
    return told.write(request) ? parse_json(told.read_until("}")) : Json();
  }
  // A change that never proves itself: nobody listens where channel 1 connects now.
  void begin() {
    ASSERT_EQ(number(order("59", R"({"conf": )" + conf(free_port()) + "}"), "status"), 1);
    EXPECT_EQ(told.read_to_end(), "");
    ASSERT_TRUE(eventually([&] { return number(state(), "trial.until_ns") > 0; }));
  }
  [[nodiscard]] Json state() const { return at(dtud.status(), "config"); }
  [[nodiscard]] Json config() const { return parse_json(dtud.get("/v1/config").body); }
  // dtud ended in the middle of the trial, and something happened to its files.
  void begin_and_end() {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_NO_FATAL_FAILURE(begin());
    dtud.kill();
  }
  // The document before it is in use again, and people are told.
  void is_back(const std::string& why) {
    told = boss.accept();
    ASSERT_GE(told.fd(), 0);
    EXPECT_EQ(number(config(), "conf.1.port"), boss.port());
    EXPECT_EQ(text(state(), "trial"), "");
    const std::string undone = text(state(), "rolled_back");
    EXPECT_NE(undone.find(why), std::string::npos) << undone;
    EXPECT_NE(undone.find("revision 2 by channel 1 was not proven; revision 1 is restored"), std::string::npos)
        << undone;
    EXPECT_NE(dtud.dtuctl({"status"}).output.find("undone    " + undone), std::string::npos);
    EXPECT_NE(dtud.dtuctl({"config", "history"}).output.find(why), std::string::npos);
    EXPECT_NE(dtud.log().find(undone), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(dtud.path("state/trial.json")));
    dtud.kill();
    dtud.start();
    EXPECT_EQ(number(config(), "conf.1.port"), boss.port()) << "and it stays";
    EXPECT_EQ(text(state(), "rolled_back"), "") << "nothing is undone twice";
    EXPECT_EQ(dtud.stop(), 0);
  }
  // The history is of no use.
  void way_back(int64_t before = 2) {
    dtud.start();
    EXPECT_EQ(text(state(), "trial.source"), "channel 1");
    EXPECT_EQ(to_json(at(state(), "trial.changed")), R"(["conf.1"])");
    EXPECT_GT(number(state(), "trial.revision"), before) << "no number twice";
    ASSERT_NO_FATAL_FAILURE(give_up(3));
    told = boss.accept();
    EXPECT_GE(told.fd(), 0);
    EXPECT_EQ(number(config(), "conf.1.port"), boss.port());
    EXPECT_EQ(dtud.stop(), 0);
  }
  // Four starts without a proof in all, and the document before it is back.
  void give_up(int starts = 4) {
    for (int i = 0; i < starts; ++i) {
      dtud.kill();
      dtud.start();
    }
    ASSERT_TRUE(eventually([&] { return text(state(), "rolled_back") != ""; }));
  }
};

}  // namespace e2e
