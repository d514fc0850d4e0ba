// What is wrong on a line, at a broker, in a document or among the plugins is refused and said; the rest works.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <ostream>

#include <algorithm>
#include <filesystem>

#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

TEST(BadInput, NonsenseOnTheLineIsCountedAndTheNextCommandAnswered) {
  Pty pty;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})").device(R"({"uconf": {"1": {}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const std::string imei = R"({"msg_id": 1, "cmd_code": 0})";
  const std::string wrong_crc = "99," + std::to_string(imei.size()) + ",1," + imei;
  const std::string nonsense[] = {pattern(20000, 9),     "99,4294967295,1,", "99,65537,1,x", wrong_crc,
                                  "7,5,907060870,hello", "99,10,",           ",,,,,,,,,",    std::string(5000, '9')};
  for (const std::string& bytes : nonsense) {
    ASSERT_TRUE(pty.write(bytes));
    // A frame that was begun ends with silence: until then the next one may be taken for its content.
    EXPECT_TRUE(eventually([&] {
      pty.write(command(imei));
      return pty.ready(200) && text(parse_json(read_frame(pty)), "data") == "004999010640000";
    })) << bytes.substr(0, 20);
    while (pty.ready(100)) (void)pty.read_for(std::chrono::milliseconds(1));
  }
  const Json drops = at(dtud.port("1"), "dialect_drops");
  for (const char* reason : {"bad_header", "bad_crc", "too_long"}) EXPECT_GT(number(drops, reason), 0) << reason;
  EXPECT_GT(dtud.metric(R"(dtu_dialect_drops_total{port="1",reason="bad_crc"})"), 0) << dtud.get("/metrics").body;
  EXPECT_LT(dtud.proc_number("VmRSS"), 400 * 1024);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(BadInput, BrokersThatRefuseHangResetOrTalkNonsense) {
  TcpServer refuses, hangs, resets, babbles, says_no;
  Dtud dtud;
  const uint16_t nobody = refuses.port();
  refuses.close();
  std::string conf;
  for (const uint16_t port : {nobody, hangs.port(), resets.port(), babbles.port(), says_no.port()})
    conf += (conf.empty() ? "\"" : ", \"") + std::to_string(1 + std::count(conf.begin(), conf.end(), '}') / 2) +
            R"(": {"protocol": "mqtt", "url": "127.0.0.1", "reconnect": {"min_ms": 10, "max_ms": 50}, "port": )" +
            std::to_string(port) + "}";
  dtud.hal(R"({"type": "sim"})").device("{\"conf\": {" + conf + "}}");
  dtud.start();
  // A connection that dtud gave up before we accepted it says nothing: the next one does.
  const auto greeted = [](TcpServer& server) {
    MqttPeer peer;
    EXPECT_TRUE(eventually([&] {
      peer = MqttPeer(server.accept());
      return peer.packet().type() == 1;
    }));
    return peer;
  };
  for (int tries = 0; tries < 2; ++tries) {
    resets.accept().reset();
    greeted(babbles).write(pattern(5000, 3));
    greeted(says_no).write(mqtt_packet(0x20, std::string("\0\x05", 2)));
  }
  const TcpPeer waiting = hangs.accept();
  for (const char* channel : {"1", "3", "4", "5"})
    EXPECT_TRUE(eventually([&] {
      const Json c = dtud.channel(channel);
      return text(c, "state") != "up" && !(text(c, "error") + text(c, "health.error")).empty();
    })) << channel;
  EXPECT_NE(text(dtud.channel("2"), "state"), "up");
  EXPECT_EQ(dtud.dtuctl({"call", "radio.csq"}).status, 0);
  EXPECT_EQ(dtud.stop(), 0);
}

struct Mistake {
  const char *name, *device, *said;
};
void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }
class BadConfig : public testing::TestWithParam<Mistake> {};
TEST_P(BadConfig, IsNamedByCheckAndRefusedByPut) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim", "ports": {"1": {}}})").device(GetParam().device);
  const Ran check = dtud.check();
  EXPECT_EQ(check.status, 1);
  EXPECT_NE(check.output.find(GetParam().said), std::string::npos) << check.output;
  EXPECT_NE(check.output.find("dtu_config.json:"), std::string::npos) << check.output;

  dtud.device(R"({"conf": {"1": {"protocol": "tcp", "mode": "server"}}})").write_documents();
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  const std::string before = dtud.get("/v1/config").body, file = read_file(dtud.path("dtu_config.json"));
  const HttpAnswer put = dtud.put("/v1/config", GetParam().device);
  EXPECT_EQ(put.status, 409) << put.body;
  EXPECT_NE(text(parse_json(put.body), "findings").size(), 2U) << put.body;
  EXPECT_EQ(dtud.get("/v1/config").body, before);
  EXPECT_EQ(read_file(dtud.path("dtu_config.json")), file);
  EXPECT_EQ(dtud.stop(), 0);
}
INSTANTIATE_TEST_SUITE_P(
    Mistakes, BadConfig,
    testing::Values(Mistake{"Syntax", "{\"conf\": {,}}", "1:11"},
                    Mistake{"PortNumber", R"({"conf": {"1": {"protocol": "tcp", "url": "a", "port": 65536}}})",
                            "/conf/1/port"},
                    Mistake{"Missing", R"({"conf": {"1": {"protocol": "tcp"}}})", "url"},
                    Mistake{"UnknownType", R"({"conf": {"1": {"protocol": "tpc"}}})", "tcp"},
                    Mistake{"ChannelId", R"({"conf": {"99": {"protocol": "tcp", "url": "a", "port": 1}}})", "99"},
                    Mistake{"Mode", R"({"work_mode": "comand"})", "command"},
                    Mistake{"Baud", R"({"uconf": {"1": {"baudrate": 7}}})", "/uconf/1/baudrate"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(BadConfigAtStart, DtudComesUpWithTheChannelsThatAreRight) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})").device(R"({"conf": {"1": {"protocol": "tcp", "url": "a", "port": 70000},
    "2": {"protocol": "tcp", "mode": "server"}, "3": {"protocol": "pigeon"}}})");
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("2", "up"));
  EXPECT_EQ(size(parse_json(dtud.get("/v1/channels").body)), 3U);
  for (const char* wrong : {"1", "3"}) EXPECT_EQ(text(dtud.channel(wrong), "state"), "failed");
  EXPECT_NE(dtud.log().find("/conf/1/port"), std::string::npos);
  EXPECT_NE(dtud.log().find("pigeon"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(BadPlugins, AreRefusedWithAReasonAndTheRestWorks) {
  const TempDir dir;
  for (const char* name : {"channel-tcp.so", "hal-sim.so", "command-dtu.so", "hal-linux.so"})
    std::filesystem::copy_file(kPlugins + "/" + name, dir.path(name));
  write_file(dir.path("text.so"), "this is no plugin\n");
  const std::string whole = read_file(kPlugins + "/channel-mqtt.so");
  write_file(dir.path("truncated.so"), whole.substr(0, whole.size() / 3));
  write_file(dir.path("anyone.so"), whole);
  ::chmod(dir.path("anyone.so").c_str(), 0777);
  Dtud dtud;
  dtud.plugins(dir.root()).hal(R"({"type": "sim"})").device(R"({"conf": {"2": {"protocol": "tcp", "mode": "server"},
    "3": {"protocol": "mqtt", "url": "127.0.0.1"}}})");
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("2", "up"));
  const Json plugins = parse_json(dtud.get("/v1/plugins").body);
  EXPECT_EQ(size(plugins), 7U);
  for (const char* name : {"text.so", "truncated.so", "anyone.so"}) {
    const Json one = with(plugins, "file", dir.path(name));
    EXPECT_EQ(text(one, "loaded"), "false") << name;
    EXPECT_GT(text(one, "error").size(), 20U) << to_json(one);
  }
  EXPECT_EQ(dtud.dtuctl({"call", "radio.csq"}).status, 0);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
