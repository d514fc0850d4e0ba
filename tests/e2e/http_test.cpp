// HTTP channels: frames become requests, answers become frames, and a server that hangs delays nobody else.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <ostream>
#include <thread>
#include <vector>

#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

// The server's end: one request off the connection, its body last.
std::string read_request(TcpPeer& peer, std::string* head = nullptr) {
  const std::string text = peer.read_until("\r\n\r\n");
  if (head != nullptr) *head = text;
  const size_t at = text.find("Content-Length: ");
  return at == std::string::npos ? "" : peer.read(std::stoul(text.substr(at + 16)));
}

std::string answer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string url(const TcpServer& server, const std::string& target) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + target;
}

TEST(Http, FramesArePostedAndAnswersComeBackAsFrames) {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}})
      .device(R"({"uconf": {"1": {}}, "conf": {
    "1": {"protocol": "http", "serialID": 1, "method": "POST", "timeout": "", "reg_data": "", "url": ")" +
              url(server, "/in") + R"("},
    "2": {"protocol": "http", "serialID": "1", "uplink": "raw", "headers": {"Authorization": "Bearer secret-key"},
          "request": {"1": {"method": "put", "url": ")" +
              url(server, "/one") + R"("}, "go": {"method": "get", "url": ")" + url(server, "/go") + R"("}}}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(dtud.channel_is("2", "up"));

  std::string head;
  ASSERT_TRUE(pty.write("1," + frame("hello")));
  TcpPeer one = server.accept();
  const std::string body = read_request(one, &head);
  EXPECT_EQ(head.substr(0, head.find('\r')), "POST /in HTTP/1.1");
  EXPECT_EQ(text(parse_json(body), "data"), "hello");
  ASSERT_TRUE(one.write(answer(R"({"data": "good day"})")));
  EXPECT_EQ(pty.read_until(","), "1,");
  EXPECT_EQ(read_frame(pty), "good day");

  ASSERT_TRUE(pty.write("1,0"));  // kept connection; an empty answer to an empty frame
  EXPECT_EQ(text(parse_json(read_request(one)), "data"), "");
  ASSERT_TRUE(one.write(answer("")));
  EXPECT_EQ(pty.read(3), "1,0");

  ASSERT_TRUE(pty.write("2,1," + frame("bytes") + "2,go," + frame("x")));
  TcpPeer two = server.accept();
  EXPECT_EQ(read_request(two, &head), "bytes");
  EXPECT_EQ(head.substr(0, head.find('\r')), "PUT /one HTTP/1.1");
  ASSERT_TRUE(two.write(answer("first")));
  EXPECT_EQ(pty.read(4), "2,1,");
  EXPECT_EQ(read_frame(pty), "first");
  EXPECT_EQ(read_request(two, &head), "");
  EXPECT_EQ(head.substr(0, head.find('\r')), "GET /go HTTP/1.1");
  EXPECT_NE(head.find("Bearer secret-key"), std::string::npos);
  ASSERT_TRUE(two.write(answer("second")));
  EXPECT_EQ(pty.read(5), "2,go,");
  EXPECT_EQ(read_frame(pty), "second");

  EXPECT_EQ(dtud.get("/v1/config").body.find("secret-key"), std::string::npos) << "headers are secrets";
  EXPECT_TRUE(dtud.channel_number("1", "health.dtu_state", 200));
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_EQ(dtud.log().find("secret-key"), std::string::npos);
}

TEST(Http, AnswersCarryCommands) {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}})
      .hal(R"({"type": "sim"})")
      .device(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "http", "serialID": "1", "url": ")" +
              url(server, "/") + R"("}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write("1," + frame("anything to do?")));
  TcpPeer peer = server.accept();
  (void)read_request(peer);
  ASSERT_TRUE(peer.write(answer(R"({"msg_id": 5, "cmd_code": 3})")));
  const Json csq = parse_json(read_request(peer));
  EXPECT_EQ(text(csq, "data"), "CSQ17") << "the answer to a command is the next request";
  EXPECT_EQ(number(csq, "msg_id"), 5);
  ASSERT_TRUE(peer.write(answer("")));
  EXPECT_EQ(pty.read(3), "1,0");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Http, AHangingServerDelaysNobodyElse) {
  Pty pty;
  TcpServer http, tcp;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}})
      .device(R"({"uconf": {"1": {}}, "conf": {
    "1": {"protocol": "tcp", "serialID": "1", "uplink": "raw", "url": "127.0.0.1", "port": )" +
              std::to_string(tcp.port()) + R"(},
    "2": {"protocol": "http", "serialID": "1", "uplink": "raw", "timeout": 300, "url": ")" +
              url(http, "/") + R"("}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  TcpPeer beside = tcp.accept();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("2," + frame("is anybody there?")));
  TcpPeer hanging = http.accept();
  EXPECT_EQ(read_request(hanging), "is anybody there?");
  for (int i = 0; i < 200; ++i) {
    const std::string line = "line " + std::to_string(i);
    ASSERT_TRUE(pty.write("1," + frame(line)));
    ASSERT_EQ(beside.read(line.size()), line);
    ASSERT_TRUE(beside.write("re: " + line));
    ASSERT_EQ(pty.read_until(","), "1,");
    ASSERT_EQ(read_frame(pty), "re: " + line);
  }
  EXPECT_TRUE(dtud.channel_number("2", "health.in_flight", 1));
  EXPECT_EQ(dtud.stop(), 0) << "nor does it hold up the end";
}

TEST(Http, WhatFailedIsSentAgain) {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}})
      .device(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "http", "serialID": "1", "uplink": "raw", "url": ")" +
              url(server, "/") + R"(", "reconnect": {"min_ms": 10, "max_ms": 100}}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write("1," + frame("one") + "1," + frame("two")));
  {
    TcpPeer peer = server.accept();
    EXPECT_EQ(read_request(peer), "one");
    ASSERT_TRUE(peer.write("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    EXPECT_EQ(peer.read_to_end(), "");
  }
  EXPECT_TRUE(dtud.channel_is("1", "degraded"));
  {
    TcpPeer peer = server.accept();
    EXPECT_EQ(read_request(peer), "one");
    peer.reset();
  }
  TcpPeer peer = server.accept();
  EXPECT_EQ(read_request(peer), "one");
  ASSERT_TRUE(peer.write(answer("1")));
  EXPECT_EQ(read_request(peer), "two");
  ASSERT_TRUE(peer.write(answer("2")));
  EXPECT_EQ(pty.read_until(","), "1,");
  EXPECT_EQ(read_frame(pty), "1");
  EXPECT_EQ(pty.read_until(","), "1,");
  EXPECT_EQ(read_frame(pty), "2");
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

// A server that answers 413, and one that sends the message elsewhere: neither is a delivery (D18, D19).
TEST(Http, AMessageTheServerRefusesForGoodIsRejectedAndARedirectIsNoDelivery) {
  Pty pty;
  TcpServer server, elsewhere;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}})
      .device(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "http", "serialID": "1", "uplink": "raw", "url": ")" +
              url(server, "/") + R"("}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write("1," + frame("too long") + "1," + frame("two")));
  TcpPeer peer = server.accept();
  EXPECT_EQ(read_request(peer), "too long");
  ASSERT_TRUE(peer.write("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(read_request(peer), "two");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejections.refused.messages", 1));
  ASSERT_TRUE(peer.write("HTTP/1.1 302 There\r\nLocation: " + url(elsewhere, "/") + "\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(read_request(peer), "two") << "sent again, to where it was sent before";
  EXPECT_EQ(number(dtud.channel("1"), "outbox.delivered"), 0);
  EXPECT_TRUE(dtud.channel_is("1", "degraded"));
  EXPECT_NE(text(dtud.channel("1"), "error").find("answers HTTP 302"), std::string::npos);
  ASSERT_TRUE(peer.write("HTTP/1.1 301 There\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(read_request(peer), "two");
  EXPECT_EQ(number(dtud.channel("1"), "outbox.delivered"), 0);
  ASSERT_TRUE(peer.write(answer("")));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 1));
  EXPECT_FALSE(wait_readable(elsewhere.fd(), 0)) << "the server elsewhere was asked nothing";
  EXPECT_EQ(dtud.stop(), 0);
}

using Lines = std::vector<std::string>;

// A server that takes all but the message "bad". This one it answers with `answer_to_bad`, or with nothing: then it
// closes the connection. all_are_bad(): every message is answered so.
class PickyServer {
 public:
  explicit PickyServer(std::string answer_to_bad) : answer_to_bad_(std::move(answer_to_bad)) {
    thread_ = std::thread([this] { run(); });
  }
  ~PickyServer() {
    ending_ = true;
    thread_.join();
  }
  [[nodiscard]] const TcpServer& server() const { return server_; }
  void all_are_bad(bool bad) { all_are_bad_ = bad; }
  [[nodiscard]] size_t refusals() const { return refusals_; }
  [[nodiscard]] Lines taken() {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  void run() {
    while (!ending_) {
      if (!wait_readable(server_.fd(), 20)) continue;
      TcpPeer peer(Descriptor(::accept4(server_.fd(), nullptr, nullptr, SOCK_CLOEXEC)));
      while (!ending_ && serve(peer)) {
      }
    }
  }
  bool serve(TcpPeer& peer) {
    if (!wait_readable(peer.fd(), 20)) return true;
    std::string head;
    const std::string body = read_request(peer, &head);
    if (head.empty()) return false;
    if (all_are_bad_ || body == "bad") {
      ++refusals_;
      return !answer_to_bad_.empty() && peer.write(answer_to_bad_);
    }
    {
      const std::lock_guard lock(mutex_);
      taken_.push_back(body);
    }
    return peer.write(answer(""));
  }

  const std::string answer_to_bad_;
  TcpServer server_;
  std::atomic<bool> ending_{false}, all_are_bad_{false};
  std::atomic<size_t> refusals_{0};
  std::mutex mutex_;
  Lines taken_;
  std::thread thread_;
};

std::string picky_document(const PickyServer& server) {
  return R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "http", "serialID": "1", "uplink": "raw", "url": ")" +
         url(server.server(), "/") + R"("}}})";
}

constexpr std::chrono::seconds kPatience{120};  // several connections, each watched for a while

struct Answered {
  const char* name;
  const char* answer;
};
void PrintTo(const Answered& answered, std::ostream* out) { *out << answered.name; }

class HttpRefusedTest : public testing::TestWithParam<Answered> {};

// It is found, and nothing else is lost (D19).
TEST_P(HttpRefusedTest, AMessageThatIsNeverTakenIsRejected) {
  Pty pty;
  PickyServer server(GetParam().answer);
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(picky_document(server));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  Lines good;
  for (int n = 1; n <= 60; ++n) {
    const std::string line = n == 4 ? "bad" : "m" + std::to_string(n);
    if (n != 4) good.push_back(line);
    ASSERT_TRUE(pty.write("1," + frame(line)));
  }
  EXPECT_TRUE(eventually([&] { return server.taken() == good; }, kPatience)) << dtud.get("/v1/channels").body;
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejections.closed.messages"), 1);
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejected"), 1);
  EXPECT_LE(server.refusals(), 8U);
  EXPECT_EQ(dtud.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Http, HttpRefusedTest,
                         testing::Values(Answered{"closes", ""},
                                         Answered{"fails", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"},
                                         Answered{"redirects",
                                                  "HTTP/1.1 302 There\r\nLocation: /login\r\n"
                                                  "Content-Length: 0\r\n\r\n"}),
                         [](const auto& info) { return info.param.name; });

TEST(Http, AServerThatFailsAtEverythingForAWhileCostsNothing) {
  Pty pty;
  PickyServer server("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
  server.all_are_bad(true);
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(picky_document(server));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  Lines sent;
  for (int n = 1; n <= 5; ++n) {
    sent.push_back("m" + std::to_string(n));
    ASSERT_TRUE(pty.write("1," + frame(sent.back())));
  }
  ASSERT_TRUE(eventually([&] { return server.refusals() >= 7; }, kPatience)) << dtud.get("/v1/channels").body;
  server.all_are_bad(false);
  EXPECT_TRUE(eventually([&] { return server.taken().size() == 5; }, kPatience)) << dtud.get("/v1/channels").body;
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 5));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejected"), 0) << dtud.log();
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
