// What refuses a new document, and what does not; what a set leaves behind.
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

struct Sets : testing::Test {
  Pty pty;
  Dtud dtud;
  void start(const std::string& device) {
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})").device(device);
    dtud.start();
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") != "none"; }));
    ASSERT_TRUE(eventually([&] { return number(dtud.status(), "config.revision") > 0; }));
  }
  // A local command, with the initial password: the last digits of the simulated IMEI.
  Json order(const std::string& code, const std::string& parameters) {
    return ask(pty, R"({"msg_id": 1, "cmd_code": )" + code + R"(, "password": "640000", "data": )" + parameters + "}");
  }
  [[nodiscard]] Json config() const { return parse_json(dtud.get("/v1/config").body); }
  [[nodiscard]] size_t revisions() const { return size(parse_json(dtud.get("/v1/config/history").body)); }
};

// Issue 9, row 8.
TEST_F(Sets, AnErrorThatIsStoredRefusesNoSet) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"warn": {}, "conf": {"3": {"protocol": "tcp", "port": 9}}, "uconf": {"1": {}}})"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  for (const char* code : {"54", "\"0x54\""}) {
    const Json answer = order(code, R"({"version": "7"})");
    EXPECT_EQ(number(answer, "status"), 1) << to_json(answer);
  }
  EXPECT_EQ(number(order("53", R"({"reg": 1})"), "status"), 1);
  EXPECT_EQ(number(order("55", R"({"fota": 0})"), "status"), 1);
  EXPECT_EQ(number(order("63", R"({"plate": 0})"), "status"), 1);
  const Ran set = dtud.dtuctl({"config", "set", "convert=1"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_NE(set.output.find("(stored already)"), std::string::npos) << set.output;
  const HttpAnswer check = dtud.post("/v1/config/check", dtud.get("/v1/config").body);
  EXPECT_NE(check.body.find(R"("ok":true)"), std::string::npos) << check.body;
  const Ran rolled = dtud.dtuctl({"config", "rollback"});
  EXPECT_EQ(rolled.status, 0) << rolled.output;
  EXPECT_EQ(text(config(), "version"), "7");
  EXPECT_EQ(to_json(at(config(), "warn")), "{}") << "D11: nothing is dropped";

  const Json wrong = order("63", R"({"unheard_of": 1})");
  EXPECT_EQ(number(wrong, "status"), 0);
  EXPECT_EQ(text(wrong, "error").find("/unheard_of: "), 0U)
      << "the new error is named, not the old one: " << to_json(wrong);
  EXPECT_EQ(number(order("51", R"({"new_password": "next"})"), "status"), 1);
  EXPECT_EQ(number(order("54", R"({"version": "8"})"), "status"), 0) << "the password is another now";
  EXPECT_EQ(dtud.stop(), 0);
}

// The revision that ran has an error, the present document has none.
TEST_F(Sets, ARollBackToADocumentWithAnErrorIsTaken) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"warn": {}, "version": "old"})"));
  ASSERT_EQ(dtud.put("/v1/config", R"({"version": "new"})").status, 200);
  const Ran rolled = dtud.dtuctl({"config", "rollback"});
  EXPECT_EQ(rolled.status, 0) << rolled.output;
  EXPECT_EQ(text(config(), "version"), "old");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Sets, AChannelThatCannotRunIsListedEverywhereWithItsReason) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"conf": {"3": {"protocol": "tcp", "url": "127.0.0.1", "port": 70000},
    "4": {"protocol": "pigeon"}}, "uconf": {"1": {}}})"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  EXPECT_EQ(to_json(at(order("11", "{}"), "data")), R"({"3":null,"4":null})");
  const Json diagnosis = at(order("5", "{}"), "data");
  EXPECT_EQ(number(with(diagnosis, "channel", "3"), "error_code"), 4003) << to_json(diagnosis);
  EXPECT_EQ(text(with(diagnosis, "channel", "3"), "error").find("/conf/3/port: 70000"), 0U) << to_json(diagnosis);
  EXPECT_NE(text(with(diagnosis, "channel", "4"), "error").find("pigeon"), std::string::npos) << to_json(diagnosis);
  EXPECT_EQ(text(dtud.channel("3"), "state"), "failed");
  EXPECT_EQ(text(dtud.channel("4"), "type"), "pigeon");
  for (const char* view : {"channels", "status"}) {
    const Ran ran = dtud.dtuctl({view});
    EXPECT_NE(ran.output.find("channel 3: /conf/3/port: 70000"), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find("channel 4: /conf/4/protocol: "), std::string::npos) << ran.output;
  }
  EXPECT_EQ(dtud.metric(R"(dtu_channel_up{channel="3",type="tcp"})"), 0);
  EXPECT_NE(dtud.dtuctl({"connect", "3"}).output.find("channel 3 cannot run: /conf/3/port"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

// Issue 9, row 9: the seeds' own example of 58 names port 0.
TEST_F(Sets, ASetThatMakesALineDeadIsRefused) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}})"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const Json wrong = order("58", R"({"uconf": {"0": {"baudrate": "115200", "databits": "8", "parity": "0",
    "stopbits": "1", "flowctl": "0"}}})");
  EXPECT_EQ(number(wrong, "status"), 0) << to_json(wrong);
  EXPECT_NE(text(wrong, "error").find(R"(/uconf/0: the board has no port "0": it has 1)"), std::string::npos)
      << to_json(wrong);
  EXPECT_EQ(number(order("0", "{}"), "status"), 1) << "the line still answers";

  EXPECT_EQ(number(order("58", R"({"uconf": {"1": {}, "2": {}}})"), "status"), 1)
      << "a document of a larger board has this board's ports too";
  const Json bound = order("63", R"({"conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": 9,
    "serialID": "2"}}})");
  EXPECT_EQ(number(bound, "status"), 0) << "nothing of this channel could go to a line";
  EXPECT_NE(text(bound, "error").find("/uconf/2: the board has no port"), std::string::npos) << to_json(bound);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Sets, AStoredPortThatTheBoardLacksIsFoundAndRefusesNothing) {
  dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})").device(R"({"uconf": {"0": {}}})");
  dtud.write_documents();
  const Ran check = dtud.check();
  EXPECT_EQ(check.status, 1);
  EXPECT_NE(check.output.find(R"(/uconf/0: the board has no port "0")"), std::string::npos) << check.output;
  dtud.start();
  EXPECT_EQ(text(dtud.port("0"), "state"), "failed");
  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=\"2\""}).status, 0);
  const Ran mended = dtud.dtuctl({"config", "set", "uconf={\"1\": {}}"});
  EXPECT_EQ(mended.status, 0) << mended.output;
  EXPECT_TRUE(dtud.port_is("1", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

// Issue 9, row 16.
TEST_F(Sets, NullRemovesAKey) {
  const std::string two = R"({"1": {"protocol": "tcp", "url": "127.0.0.1", "port": 9},
    "2": {"protocol": "tcp", "url": "127.0.0.1", "port": 9}})";
  const std::string one = R"({"1":{"port":9,"protocol":"tcp","url":"127.0.0.1"}})";
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}, "version": "1", "conf": )" + two + "}"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const auto restore = [&] { ASSERT_EQ(dtud.dtuctl({"config", "rollback", "1"}).status, 0); };
  const auto channels = [&] { return size(parse_json(dtud.get("/v1/channels").body)); };
  const Ran set = dtud.dtuctl({"config", "set", "conf.2=null"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_EQ(set.output, "changed: channel 2\n");
  EXPECT_EQ(channels(), 1U);
  EXPECT_EQ(to_json(at(config(), "conf.2")), "null");
  EXPECT_EQ(dtud.get("/v1/config").body.find(R"("2")"), std::string::npos);
  restore();
  EXPECT_EQ(dtud.put("/v1/config", R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1",
    "port": 9}, "2": null}})")
                .status,
            200);
  EXPECT_EQ(channels(), 1U);
  restore();
  EXPECT_EQ(http(dtud.socket(), "PATCH", "/v1/config", R"({"conf": {"2": null}, "version": null})").status, 200);
  EXPECT_EQ(channels(), 1U);
  EXPECT_EQ(text(config(), "version"), "");
  EXPECT_EQ(dtud.get("/v1/config").body.find("null"), std::string::npos);
  restore();
  EXPECT_EQ(number(order("59", R"({"conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": 9}, "2": null}})"),
                   "status"),
            1);
  EXPECT_EQ(number(order("63", R"({"version": null, "plate": 0})"), "status"), 1);
  EXPECT_TRUE(eventually([&] { return channels() == 1; }));
  EXPECT_EQ(read_file(dtud.path("dtu_config.json")).find("null"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Sets, UnsetRemovesValues) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {"baudrate": 9600}}, "conf": {"2": {"protocol": "tcp",
    "url": "127.0.0.1", "port": 9}}})"));
  const Ran unset = dtud.dtuctl({"config", "unset", "conf.2", "uconf.1.baudrate"});
  EXPECT_EQ(unset.status, 0) << unset.output;
  EXPECT_EQ(unset.output, "changed: port 1\nchanged: channel 2\n");
  EXPECT_EQ(to_json(config()), R"({"conf":{},"uconf":{"1":{}}})");
  const Ran again = dtud.dtuctl({"config", "unset", "conf.2"});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.output.find("conf.2 is not set"), std::string::npos) << again.output;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Sets, WhatChangesNothingIsNoRevision) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"plate": 1, "password": "pw"})"));
  const Ran set = dtud.dtuctl({"config", "set", "plate=1"});
  EXPECT_EQ(set.output, "nothing changed\n");
  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=3"}).output,
            "stored as revision 2; no port and no channel had to change\n");
  EXPECT_EQ(dtud.dtuctl({"config", "unset", "version"}).status, 0);
  const size_t now = revisions();
  // As a script does that brings the same file again and again: the password stands in it as text.
  const HttpAnswer put = dtud.put("/v1/config", R"({"password":"pw",  "plate" : 1})");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(revisions(), now);
  EXPECT_EQ(dtud.put("/v1/config", R"({"password": "pw", "plate": 0})").status, 200);
  EXPECT_EQ(revisions(), now + 1);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Sets, TheAuditHasWhatTheConsoleChanged) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"version": "1"})"));
  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=\"2\""}).status, 0);
  EXPECT_EQ(dtud.put("/v1/config", R"({"version": "3"})").status, 200);
  EXPECT_EQ(dtud.put("/v1/config", R"({"vresion": "3"})").status, 409);
  EXPECT_EQ(dtud.dtuctl({"config", "rollback"}).status, 0);
  EXPECT_EQ(dtud.dtuctl({"config", "unset", "version"}).status, 0);
  EXPECT_EQ(dtud.dtuctl({"config", "reload"}).status, 0);
  const Json audit = parse_json(dtud.get("/v1/audit").body);
  std::string all;
  for (size_t i = 0; i < size(audit); ++i) {
    const std::string at = "[" + std::to_string(i) + "].";
    all += text(audit, at + "source") + " " + text(audit, at + "command") + " " + text(audit, at + "result") + "\n";
  }
  EXPECT_EQ(all,
            "console config.patch ok\nconsole config.set ok\nconsole config.set invalid\nconsole config.rollback ok\n"
            "console config.patch ok\nconsole config.reload ok\n");
  EXPECT_NE(read_file(dtud.path("state/audit.log")).find("config.rollback"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

// Issue 9, row 11.
TEST_F(Sets, ASecondRollBackGoesFurtherBack) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"version": "1"})"));
  for (const char* version : {"version=\"2\"", "version=\"bad\""})
    ASSERT_EQ(dtud.dtuctl({"config", "set", version}).status, 0);
  const Ran first = dtud.dtuctl({"config", "rollback"});
  EXPECT_EQ(first.status, 0);
  EXPECT_NE(first.output.find("back to revision 2, stored as revision 4\n"), std::string::npos) << first.output;
  EXPECT_EQ(text(config(), "version"), "2");
  const Ran second = dtud.dtuctl({"config", "rollback"});
  EXPECT_NE(second.output.find("back to revision 1, stored as revision 5\n"), std::string::npos) << second.output;
  EXPECT_EQ(text(config(), "version"), "1");
  const Ran third = dtud.dtuctl({"config", "rollback"});
  EXPECT_EQ(third.status, 1);
  EXPECT_NE(third.output.find("there is no older revision"), std::string::npos) << third.output;
  EXPECT_EQ(dtud.dtuctl({"config", "rollback", "3"}).status, 0) << "by its number";
  EXPECT_EQ(text(config(), "version"), "bad");
  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=\"worse\""}).status, 0);
  const Ran back = dtud.dtuctl({"config", "rollback"});
  EXPECT_NE(back.output.find("back to revision 6, stored as revision 8\n"), std::string::npos) << back.output;
  const Json history = parse_json(dtud.get("/v1/config/history").body);
  EXPECT_EQ(text(history, "[0].note"), "back to revision 6");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Sets, ARollBackPassesOverWhatNeverRan) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"version": "1"})"));
  ASSERT_TRUE(eventually([&] { return read_file(dtud.path("state/history/ran")) == "1\n"; }));
  EXPECT_EQ(dtud.stop(), 0);
  // As a power cut between the steps of a set leaves it.
  write_file(dtud.path("state/history/00000002.json"),
             R"({"time_ns": 1, "source": "console", "note": "", "document": "{\"version\": \"never ran\"}"})");
  dtud.start();
  ASSERT_EQ(dtud.dtuctl({"config", "set", "version=\"3\""}).status, 0);
  const Ran back = dtud.dtuctl({"config", "rollback"});
  EXPECT_NE(back.output.find("back to revision 1, stored as revision 4\n"), std::string::npos) << back.output;
  EXPECT_EQ(text(config(), "version"), "1");
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
