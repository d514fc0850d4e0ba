// service_acquire (D12): parameters fetched from a server, through the same checks as any other change.
#include <gtest/gtest.h>

#include <thread>

#include "harness/dtud.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

struct Acquire : testing::Test {
  Dtud dtud;
  TcpServer server;
  void start(const std::string& more = "") {
    dtud.hal(R"({"type": "sim"})")
        .device(R"({"version": 5, "password": "pw", "service_acquire": 1, "acquire_url": "http://127.0.0.1:)" +
                std::to_string(server.port()) + "/p\"" + more + "}");
    dtud.start();
  }
  // Answers the next request and gives its first line.
  std::string serve(const std::string& body, const std::string& status = "200 OK") {
    TcpPeer peer = server.accept();
    const std::string request = peer.read_until("\r\n\r\n");
    EXPECT_TRUE(peer.write("HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nConnection: close\r\n" +
                           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
    return request.substr(0, request.find('\r'));
  }
  [[nodiscard]] Json config() const { return parse_json(dtud.get("/v1/config").body); }
};

TEST_F(Acquire, ANewerDocumentIsTakenAndTheRestStays) {
  start(R"(, "confirm_s": 77)");
  EXPECT_EQ(serve(R"({"version": 6, "plate": 1})"), "GET /p?imei=004999010640000&ver=5 HTTP/1.1");
  EXPECT_TRUE(eventually([&] { return text(config(), "version") == "6"; }));
  EXPECT_EQ(number(config(), "plate"), 1);
  EXPECT_TRUE(eventually([&] { return text(dtud.status(), "config.trial") == ""; })) << "no channel: nothing to prove";
  EXPECT_EQ(text(dtud.status(), "config.rolled_back"), "");
  EXPECT_EQ(number(config(), "confirm_s"), 77) << "what the server does not know stays";
  const Json history = parse_json(dtud.get("/v1/config/history").body);
  EXPECT_EQ(text(history, "[0].source"), "command acquire");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Acquire, WhatIsWrongOrOldIsNotTaken) {
  start();
  serve(R"({"version": 5, "plate": 1})");
  const auto again = [&](const std::string& body) {
    Ran ran;
    std::thread asker([&] { ran = dtud.dtuctl({"call", "parameters.acquire"}); });
    serve(body);
    asker.join();
    return ran;
  };
  EXPECT_EQ(again(R"({"version": 4, "plate": 1})").status, 0);
  const Ran wrong = again(R"({"version": 7, "plate": 9})");
  EXPECT_NE(wrong.status, 0) << wrong.output;
  EXPECT_NE(wrong.output.find("/plate"), std::string::npos) << wrong.output;
  EXPECT_NE(again("{\"version\": 8,").status, 0);
  EXPECT_EQ(text(config(), "version"), "5");
  EXPECT_EQ(text(config(), "plate"), "") << to_json(config());
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
