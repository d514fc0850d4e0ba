// Ports, channels and dialects seen together (D16).
#include <gmock/gmock.h>

#include "fixture.hpp"

namespace dtud::config {
namespace {

using testing::ElementsAre;

std::string with(const std::string& channels, const std::string& ports, const std::string& mode) {
  return R"({"conf": {)" + channels + R"(}, "uconf": {)" + ports + R"(}, "work_mode": ")" + mode + "\"}";
}

std::string on(int id, const std::string& port) {
  return "\"" + std::to_string(id) + R"(": {"protocol": "mqtt", "serialID": ")" + port + "\"}";
}

TEST(Binding, CommandModeTakesAnyNumber) {
  EXPECT_EQ(device(with(on(1, "1") + "," + on(2, "1"), R"("1": {})", "command")).said, "");
}

TEST(Binding, ThroughModeTakesTheFirst) {
  const auto d = device(with(on(10, "1") + "," + on(2, "1") + "," + on(3, "2"), R"("1": {}, "2": {})", "through"));
  EXPECT_EQ(
      d.said,
      "d.json:1:158: warning: /uconf/1: in mode \"through\" a port serves one channel: channel 2 is used, channel "
      "10 is not\n");
  EXPECT_FALSE(has_errors(d.findings));
  EXPECT_EQ(d.config->channels.size(), 3U);
}

TEST(Binding, ModbusNamesAllThatAreNotUsed) {
  const auto d =
      device(with(on(1, "1") + "," + on(2, "1") + "," + on(3, "1"), R"("1": {"mode": "modbus"})", "command"));
  EXPECT_THAT(d.said, testing::HasSubstr("channel 1 is used, channels 2, 3 are not"));
}

TEST(Binding, APortThatIsNotThereIsNamed) {
  const auto d = device(with(on(1, "5") + "," + on(2, "1"), R"("1": {}, "2": {})", "command"));
  EXPECT_EQ(d.said, "d.json:1:49: error: /conf/1/serialID: uconf has no port \"5\": it has 1, 2\n");
  ASSERT_TRUE(d.config);
  EXPECT_EQ(d.config->channels[0].port, "");
  EXPECT_TRUE(d.config->skipped.empty());
  EXPECT_THAT(device(R"({"conf": {)" + on(1, "1") + "}}").said,
              testing::HasSubstr("uconf has no port \"1\": it has none"));
}

TEST(Binding, TheVendorsThoughIsThrough) {
  const auto d = device(with("", R"("1": {}, "2": {"mode": "though"})", "though"));
  EXPECT_EQ(d.said,
            "d.json:1:47: warning: /uconf/2/mode: \"though\" is taken for \"through\": correct it\n"
            "d.json:1:72: warning: /work_mode: \"though\" is taken for \"through\": correct it\n");
  ASSERT_TRUE(d.config);
  EXPECT_EQ(d.config->work_mode, "through");
  EXPECT_EQ(d.config->ports[0].mode, "through");
  EXPECT_EQ(d.config->ports[1].mode, "through");
}

TEST(Binding, AnUnknownWorkModeIsNoDocument) {
  const auto d = device(R"({"work_mode": "comand"})");
  EXPECT_FALSE(d.config);
  EXPECT_EQ(
      d.said,
      "d.json:1:15: error: /work_mode: \"comand\" is no work mode: give one of command, modbus, raw, through; did "
      "you mean \"command\"?\n");
}

TEST(Binding, AMissingDialectPluginIsSaidWhereItIsUsed) {
  Installed installed;
  installed.dialects = {"command"};
  const auto d = device(
      with(on(1, "1") + R"(, "2": {"protocol": "mqtt"})", R"("1": {}, "2": {"mode": "raw"})", "modbus"), installed);
  EXPECT_EQ(
      d.said,
      "d.json:1:98: error: /uconf/1: no plugin offers the dialect \"modbus\", which this port uses: installed are "
      "command, raw\n"
      "d.json:1:138: error: /work_mode: no plugin offers the dialect \"modbus\", which channel 2 needs: installed "
      "are command, raw\n");
  EXPECT_TRUE(d.config);
}

TEST(Binding, AnUnknownModeOfAPortIsNamed) {
  const auto d = device(R"({"uconf": {"1": {"mode": "upnael"}}})");
  EXPECT_EQ(
      d.said,
      "d.json:1:26: error: /uconf/1/mode: no plugin offers the dialect \"upnael\", which this port uses: installed "
      "are command, modbus, raw, through\n");
  EXPECT_TRUE(d.config);
  Installed installed;
  installed.dialects.emplace_back("upanel");
  EXPECT_THAT(device(R"({"uconf": {"1": {"mode": "upnael"}}})", installed).said,
              testing::HasSubstr("did you mean \"upanel\"?"));
  EXPECT_EQ(device(R"({"uconf": {"1": {"mode": "upanel"}}})", installed).said, "");
}

// A line that would be dead is an error, an entry that has no effect is a warning.
TEST(PortsOfTheBoard, TheBoardMayLackAPort) {
  Installed installed;
  const auto said = [&](const std::string& text) { return device(text, installed).said; };
  EXPECT_EQ(said(R"({"uconf": {"0": {}}})"), "") << "nothing is known of the board";
  installed.ports = std::vector<std::string>{"1", "2"};
  EXPECT_EQ(said(R"({"uconf": {"1": {}}})"), "");
  EXPECT_EQ(said(R"({"uconf": {"1": {}, "0": {}}})"),
            "d.json:1:21: error: /uconf/0: the board has no port \"0\": it has 1, 2, and uconf has no entry for 2\n");
  EXPECT_EQ(said(R"({"uconf": {"1": {}, "2": {}, "3": {}}})"),
            "d.json:1:30: warning: /uconf/3: the board has no port \"3\": it has 1, 2; this entry has no effect\n");
  const auto bound = device(R"({"uconf": {"1": {}, "2": {}, "3": {}}, "conf": {"7": {"protocol": "http",
    "serialID": "3"}}})",
                            installed);
  EXPECT_EQ(bound.said,
            "d.json:1:30: error: /uconf/3: the board has no port \"3\": it has 1, 2; channel 7 is bound to it\n");
  ASSERT_TRUE(bound.config);
  EXPECT_EQ(bound.config->channels.size(), 1U) << "such a document still starts";
  installed.ports = std::vector<std::string>{};
  EXPECT_EQ(said(R"({"uconf": {"1": {}}})"),
            "d.json:1:12: warning: /uconf/1: the board has no port \"1\": it has none; this entry has no effect\n");
}

TEST(SkippedChannels, HaveTheirReason) {
  const auto d = device(R"({"conf": {"2": {"protocol": "tcp", "url": "u", "port": 70000, "ping": 5, "mode": "x",
    "serialID": 4}, "5": {"protocol": "pigeon"}}})");
  ASSERT_TRUE(d.config);
  ASSERT_EQ(d.config->skipped.size(), 2U);
  EXPECT_EQ(d.config->skipped[0].type, "tcp");
  EXPECT_EQ(d.config->skipped[0].reason.find("/conf/2/port: 70000"), 0U) << d.config->skipped[0].reason;
  EXPECT_NE(d.config->skipped[0].reason.find("; /conf/2/mode: "), std::string::npos) << d.config->skipped[0].reason;
  EXPECT_EQ(d.config->skipped[1].reason.find("/conf/5/protocol: no plugin offers"), 0U);
}

TEST(KnownFindings, OnlyNewErrorsCount) {
  Findings before = device(R"({"warn": {}, "conf": {"5": {"protocol": "pigeon"}}})").findings;
  Findings now = device(R"({"plate": 1, "warn": {"x": 1}, "conf": {"5": {"protocol": "pigeon"}}})").findings;
  mark_known(now, before);
  EXPECT_EQ(first_new_error(now), nullptr);
  now = device(R"({"warn": {}, "alarm": {}, "conf": {"5": {"protocol": "dove"}}})").findings;
  mark_known(now, before);
  ASSERT_NE(first_new_error(now), nullptr);
  EXPECT_EQ(first_new_error(now)->path, "/alarm");
}

}  // namespace
}  // namespace dtud::config
