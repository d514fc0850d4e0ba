// Commands made to hurt: JSON bombs, floods, pieces that never end. All are answered or refused, counted, and
// forgotten.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

std::string request(const std::string& code, const std::string& data) {
  return R"({"msg_id": 1, "cmd_code": )" + code + R"(, "password": "640000", "data": )" + data + "}";
}

struct HostileCommands : testing::Test {
  Pty pty;
  Dtud dtud;
  void start(const std::string& conf) {
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})");
    dtud.device(R"({"version": 7, "uconf": {"1": {"frame_idle_ms": 60000}}, "conf": {)" + conf + "}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") == "initial"; }));
  }
};

const std::string kServer = R"({"protocol": "tcp", "serialID": "1", "mode": "server"})";

TEST_F(HostileCommands, JsonBombsAreRefusedAndChangeNothing) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  const std::string nul("\0", 1);
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  const std::string level40 = std::string(40, '[') + std::string(40, ']');
  const std::string objects = [] {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "{\"a\":";
    return text + "1" + std::string(40, '}');
  }();
  std::string members = "{";
  for (int i = 0; i < 3000; ++i) members += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
  members += "}";
  const std::string bombs[] = {request("63", deep),
                               request("63", level40),
                               request("59", "{\"conf\": " + objects + "}"),
                               request("63", members),
                               request("63", "{\"conf\": " + members + "}"),
                               request("63", R"({"plate": 1, "plate": 0})"),
                               request("59", R"({"conf": {"1": {"protocol": "tcp"}, "1": {"protocol": "mqtt"}}})"),
                               request("52", R"({"plate": 1e999})"),
                               request("52", "{\"plate\": 1" + std::string(400, '0') + "}"),
                               request("54", "{\"version\": 1" + std::string(400, '0') + "}"),
                               request("63", "{\"version\": 1" + std::string(400, '0') + "}"),
                               request("63", R"({"confirm_s": -99999999999999999999})"),
                               request("58", "{\"uconf\": {\"1\": {\"baudrate\": 1e308}}}"),
                               request("63", R"({"work_mode": "\u0000"})"),
                               request("63", R"({"\u0000": 1})"),
                               request("63", R"({"password": "\u0000"})"),
                               request("51", R"({"new_password": "a\u0000b"})"),
                               request("53", "{\"reg\": \"\xff\xfe\"}"),
                               request("53", "{\"reg\": \"" + nul + "\"}"),
                               request("60", "{\"apn\": [\"" + std::string(40000, 'x') + "\", \"\", \"\"]}"),
                               "{\"cmd_code\": 3, \"cmd_code\": 255, \"password\": \"640000\"}",
                               "{\"cmd_code\": 99999999999999999999}",
                               "{\"cmd_code\": 1e1}",
                               "{\"cmd_code\": \"0x1FFFFFFFF\"}",
                               "{\"cmd_code\": \"" + std::string(60000, '1') + "\"}",
                               "{\"msg_id\": \"" + std::string(60000, 'm') + "\", \"cmd_code\": 3}",
                               "{\"cmd_code\": 63, \"password\": {\"a\": 1}}",
                               nul};
  for (const std::string& bomb : bombs) {
    ASSERT_TRUE(pty.write(command(bomb)));
    const std::string answer = read_frame(pty);  // as text: it repeats numbers that few readers take
    EXPECT_NE(answer.find("\"data\":null,\"status\":0,\"success\":0,\"error\":\""), std::string::npos)
        << bomb.substr(0, 120) << answer;
    EXPECT_NE(answer.find("\"error_code\":"), std::string::npos) << bomb.substr(0, 120);
    EXPECT_EQ(text(ask(pty, R"({"cmd_code": 3})"), "data"), "CSQ17") << "after " << bomb.substr(0, 120);
  }
  const Json document = parse_json(dtud.get("/v1/config").body);
  EXPECT_EQ(text(document, "version"), "7");
  for (const char* key : {"plate", "conf.1", "reg", "apn", "work_mode"}) EXPECT_EQ(text(document, key), "") << key;
  EXPECT_EQ(text(dtud.status(), "password"), "initial");
  EXPECT_LT(dtud.proc_number("VmRSS"), 200 * 1024);
  EXPECT_EQ(dtud.stop(), 0);
}

// A lone surrogate is grammar; what is stored and shown is text all the same.
TEST_F(HostileCommands, LoneSurrogatesBecomeText) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  const Json answer = ask(pty, request("53", R"({"reg": "a\ud800b"})"));
  EXPECT_GE(number(answer, "status"), 0) << to_json(answer);
  const Json document = ask(pty, request("4", "{}"));
  EXPECT_EQ(number(document, "status"), 1) << to_json(document);
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up")) << "what was stored can be read again";
  EXPECT_EQ(text(dtud.get("/v1/config").status == 200 ? parse_json(dtud.get("/v1/config").body) : Json(), "version"),
            "7");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(HostileCommands, AFloodIsAnsweredOrRefusedAndCountedAndDataGoesOn) {
  ASSERT_NO_FATAL_FAILURE(start(R"("1": )" + kServer + R"(, "2": )" + kServer));
  TcpPeer flooder(dtud.listen_port("1")), other(dtud.listen_port("2"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("2"), "health.peers")) == 1; }));
  constexpr int kCommands = 10000;
  std::string flood;
  for (int i = 0; i < kCommands; ++i) flood += R"({"msg_id": )" + std::to_string(i) + R"(, "cmd_code": 3})";
  const int64_t before = dtud.proc_number("VmRSS");
  // A client that does not read is cut off: this one does.
  std::string answers;
  std::atomic<bool> all_written{false};
  std::thread reader([&] {
    while (!all_written || wait_readable(flooder.fd(), 0))
      if (wait_readable(flooder.fd(), 20) && !read_some(flooder.fd(), answers)) break;
  });
  EXPECT_TRUE(flooder.write(flood));
  for (int i = 0; i < 50; ++i) {
    const std::string words = "data " + std::to_string(i);
    EXPECT_TRUE(other.write(words));
    EXPECT_EQ(pty.read_until(","), "2,");
    EXPECT_EQ(read_frame(pty), words);
  }
  EXPECT_TRUE(eventually([&] {
    const Json outbox = at(dtud.channel("1"), "outbox");
    return number(outbox, "delivered") + number(outbox, "dropped") == kCommands;
  })) << to_json(dtud.channel("1"));
  all_written = true;
  reader.join();
  EXPECT_LT(dtud.proc_number("VmHWM") - before, 64 * 1024) << "kB more than before";
  const auto delivered = static_cast<size_t>(number(dtud.channel("1"), "outbox.delivered"));
  while (count(answers, "\"success\":") < delivered && flooder.ready(30000)) answers += flooder.read_until("}");
  EXPECT_EQ(count(answers, "\"success\":"), delivered);
  EXPECT_GT(count(answers, "\"success\":1"), 0U);
  const size_t refused = count(answers, "too many commands at once");
  EXPECT_EQ(count(answers, "\"success\":1") + refused, delivered);
  EXPECT_GE(dtud.metric(R"(dtu_dialect_drops_total{port="1",reason="too_many_commands"})"),
            static_cast<int64_t>(refused));
  // However many there were, they are one entry of the diagnosis, and it is over now.
  const std::string entry = refused != 0 ? R"({"func_code":"","error_code":"5006","channel":1})" : "";
  EXPECT_TRUE(flooder.write(R"({"msg_id": 1, "cmd_code": 5})"));
  EXPECT_EQ(flooder.read_until("\"success\":1}"),
            R"({"msg_id":1,"code":5,"cmd_code":5,"data":[)" + entry + R"(],"status":1,"success":1})");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(HostileCommands, PiecesWithoutEndAreDataInTheEnd) {
  ASSERT_NO_FATAL_FAILURE(start(R"("1": )" + kServer));
  TcpPeer begins(dtud.listen_port("1")), asks(dtud.listen_port("1"));
  const std::string begun = R"({"msg_id": 1, "data": ")";
  ASSERT_TRUE(begins.write(begun));
  ASSERT_TRUE(eventually([&] { return number(dtud.channel("1"), "rx_bytes") >= static_cast<int64_t>(begun.size()); }));
  ASSERT_TRUE(asks.write(R"({"msg_id": 2, "cmd_code": 3})"));
  EXPECT_EQ(number(parse_json(asks.read_until("}")), "msg_id"), 2) << "another client is not held up";
  EXPECT_EQ(pty.read_until(","), "1,");
  EXPECT_EQ(read_frame(pty), begun) << "after two seconds it is data";
  ASSERT_TRUE(begins.write(R"({"msg_id": 3, "cmd_code": 3})"));
  EXPECT_EQ(number(parse_json(begins.read_until("}")), "msg_id"), 3);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
