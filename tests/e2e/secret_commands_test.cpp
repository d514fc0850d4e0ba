// D20: a command that comes in pieces, late, or slightly wrong never goes to the line with its password; and data that
// looks like the beginning of one is neither lost nor changed.
#include <gtest/gtest.h>

#include <deque>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

const std::string kSecret = "Tr0ub4dor";
const std::string kAsk = R"({"msg_id": 9, "cmd_code": 3})";

struct SecretCommands : testing::Test {
  Pty pty;
  Dtud dtud;

  void start(const std::string& channel) {
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})");
    dtud.device(R"({"uconf": {"1": {}}, "conf": {"1": {"serialID": "1", )" + channel + "}}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") == "initial"; }));
  }
  void start_server(const std::string& more = "") { start(R"("protocol": "tcp", "mode": "server")" + more); }
  [[nodiscard]] bool received(int64_t bytes) const {
    return eventually([&] { return number(dtud.channel("1"), "rx_bytes") >= bytes; });
  }
  // Everything that went to the line before this word of another sender.
  std::string line_up_to(const std::string& word) {
    TcpPeer last(dtud.listen_port("1"));
    EXPECT_TRUE(last.write(word));
    return pty.read_until(word);
  }
  [[nodiscard]] int64_t late() const { return number(dtud.port("1"), "dialect_drops.late"); }
};

TEST_F(SecretCommands, APauseWithinACommandShowsNoPassword) {
  const struct {
    std::string first, rest;
    bool answered;  // at once after the pause
  } rows[] = {{R"({"password":"Tr0ub4dor",)", R"("cmd_code":4})", true},
              {R"({"code":3,"password":"Tr0ub4dor")", "", true},
              {R"({"code":3,"password":"Tr0)", R"(ub4dor"})", true},
              {R"({"cmd_)", R"(code":4,"password":"Tr0ub4dor"})", false},
              {R"({"msg_id":1,"data":{"x":1)", R"(},"password":"Tr0ub4dor","code":4})", false},
              {R"({"code":3,"pass)", R"(word":"Tr0ub4dor"})", false}};
  ASSERT_NO_FATAL_FAILURE(start_server());
  std::deque<TcpPeer> peers;
  std::string line;
  for (const auto& row : rows) {
    peers.emplace_back(dtud.listen_port("1"));
    ASSERT_TRUE(peers.back().write(row.first));
  }
  for (size_t i = 0; i < std::size(rows); ++i)
    if (rows[i].answered)
      EXPECT_NE(peers[i].read_until("6001").find("6001"), std::string::npos) << rows[i].first;
    else
      line += pty.read_until(rows[i].first);
  for (size_t i = 0; i < std::size(rows); ++i) {
    ASSERT_TRUE(peers[i].write(rows[i].rest + "\n"));
    ASSERT_TRUE(peers[i].write(kAsk));
    EXPECT_NE(peers[i].read_until("CSQ17").find("CSQ17"), std::string::npos) << rows[i].first;
  }
  line += line_up_to("the end");
  for (const char* part : {"Tr0", "ub4dor"}) EXPECT_EQ(line.find(part), std::string::npos) << line;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SecretCommands, AMistakeShowsNoPassword) {
  ASSERT_NO_FATAL_FAILURE(start_server());
  TcpPeer server(dtud.listen_port("1"));
  for (const char* text : {R"({"cmd\u005fcode":4,"password":"Tr0ub4dor","x":})", R"({"password":"Tr0ub4dor","x":})",
                           R"({"password":"Tr0ub4dor","cmdcode":4})", R"([{"code":4,"password":"Tr0ub4dor"}])",
                           R"({"params":{"cmd_code":4,"password":"Tr0ub4dor"}})", R"({'password':'Tr0ub4dor'})"}) {
    ASSERT_TRUE(server.write(text));
    EXPECT_NE(server.read_until("\"error_code\":600").find("error_code"), std::string::npos) << text;
  }
  EXPECT_EQ(line_up_to("the end").find(kSecret), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SecretCommands, APasswordFarBehindIsNotShown) {
  ASSERT_NO_FATAL_FAILURE(start_server());
  TcpPeer server(dtud.listen_port("1"));
  const std::string begin = "{\"a\":\"" + std::string(70'000, 'x');
  ASSERT_TRUE(server.write(begin));
  ASSERT_TRUE(received(static_cast<int64_t>(begin.size())));
  ASSERT_TRUE(server.write(R"(","pass)"));
  ASSERT_TRUE(received(static_cast<int64_t>(begin.size()) + 7));
  ASSERT_TRUE(server.write(R"(word":"Tr0ub4dor","code":4})"));
  EXPECT_NE(server.read_until("\"error_code\":600").find("error_code"), std::string::npos);
  EXPECT_EQ(line_up_to("the end").find(kSecret), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SecretCommands, ManySendersShowNoPassword) {
  ASSERT_NO_FATAL_FAILURE(start_server(R"(, "max_clients": 64)"));
  std::deque<TcpPeer> peers;
  int64_t bytes = 0;
  const auto all_send = [&](const std::string& text) {
    for (TcpPeer& peer : peers) EXPECT_TRUE(peer.write(text));
    bytes += static_cast<int64_t>(text.size() * peers.size());
    EXPECT_TRUE(received(bytes));
  };
  for (int i = 0; i < 40; ++i) peers.emplace_back(dtud.listen_port("1"));
  all_send(R"({"password":"Tr0ub4dor",)");
  all_send(R"("cmd_code":3})");
  for (TcpPeer& peer : peers)
    EXPECT_NE(peer.read_until("\"msg_id\"").find("msg_id"), std::string::npos) << "each is answered";
  EXPECT_EQ(line_up_to("the end").find(kSecret), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SecretCommands, AMessageWithAMistakeShowsNoPassword) {
  Broker broker;
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "mqtt", "url": "127.0.0.1", "port": )" + std::to_string(broker.port()) +
                                R"(, "subscribe": {"0": "down"}, "publish": {"0": "up"})"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  MqttClient cloud(broker.port());
  cloud.subscribe("up");
  for (const char* text : {R"({"code":3,"password":"Tr0ub4dor")", R"({"cmd\u005fcode":4,"password":"Tr0ub4dor",,})",
                           R"("password":"Tr0ub4dor","cmd_code":4})", R"({"password":"Tr0ub4dor"})"}) {
    cloud.publish("down", text);
    const auto answer = cloud.next();
    ASSERT_TRUE(answer) << text;
    EXPECT_EQ(number(parse_json(answer->payload), "status"), 0) << answer->payload;
  }
  cloud.publish("down", "{\"temp\":1}\n");
  EXPECT_EQ(pty.read_until(","), "1,") << "the first on the line";
  EXPECT_EQ(pty.read_until(","), "0,");
  EXPECT_EQ(read_frame(pty), "{\"temp\":1}\n");
  EXPECT_EQ(dtud.stop(), 0);
}

// What cannot be the rest of an unfinished command goes to the line; what can be is counted when it is dropped.
TEST_F(SecretCommands, DataBehindAnUnfinishedCommandIsNotLost) {
  ASSERT_NO_FATAL_FAILURE(start_server());
  TcpPeer server(dtud.listen_port("1"));
  for (const char* data : {"hello", R"({"temp":1})"}) {
    ASSERT_TRUE(server.write(R"({"cmd_code":4,"password":"Tr0ub4dor")"));
    EXPECT_NE(server.read_until("6001").find("6001"), std::string::npos);
    ASSERT_TRUE(server.write(data));
    EXPECT_EQ(pty.read_until(","), "1,");
    EXPECT_EQ(read_frame(pty), data);
  }
  EXPECT_LE(late(), 0);

  ASSERT_TRUE(server.write(R"({"cmd_code":4,"password":"Tr0)"));
  EXPECT_NE(server.read_until("6001").find("6001"), std::string::npos);
  for (int64_t pieces = 1; pieces <= 3; ++pieces) {
    ASSERT_TRUE(server.write("ub4"));
    EXPECT_TRUE(eventually([&] { return late() == pieces; })) << late();
  }
  ASSERT_TRUE(server.write("\"}hello"));
  EXPECT_EQ(pty.read_until(","), "1,");
  EXPECT_EQ(read_frame(pty), "hello");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(SecretCommands, JsonOfADeviceInPiecesIsKeptInOrder) {
  ASSERT_NO_FATAL_FAILURE(start_server());
  TcpPeer server(dtud.listen_port("1"));
  const auto arrives = [&](const std::string& data) {
    EXPECT_EQ(pty.read_until(","), "1,");
    EXPECT_EQ(read_frame(pty), data);
  };
  ASSERT_TRUE(server.write(R"({"temp":)"));
  arrives(R"({"temp":)");
  ASSERT_TRUE(server.write(R"(1,"unit":)"));
  arrives(R"(1,"unit":)");
  ASSERT_TRUE(server.write(R"("C"})"));
  arrives(R"("C"})");
  ASSERT_TRUE(server.write(R"({"wifi":{"ssid":"a","password":"b"}})"));
  arrives(R"({"wifi":{"ssid":"a","password":"b"}})");
  ASSERT_TRUE(server.write(R"({"data":{"ssid":"a","password":"b"}})"));
  arrives(R"({"ssid":"a","password":"b"})");
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
