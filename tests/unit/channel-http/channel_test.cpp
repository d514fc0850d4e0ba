// Messages become requests, answers become messages.
#include "channel-mqtt/tls_files.hpp"
#include "fixture.hpp"

namespace channel_http::test {
namespace {

TEST_F(ChannelTest, MessagesArePostedInOrderAndAnswersComeBack) {
  Notes notes;
  Server server(notes.script([](const Asked& a, size_t) { return answer(200, "re: " + a.body); }));
  Instance i = up(conf(server.url("/in?unit=7"), R"("headers": {"X-Key": "secret"})"));
  EXPECT_EQ(health(i, "dtu_state"), 0);
  std::vector<Message> messages;
  for (int n = 0; n < 50; ++n) messages.push_back({"message " + std::to_string(n)});
  messages.push_back({std::string("\0\xff,", 3)});
  send_all(i, messages);
  ASSERT_TRUE(completed(51)) << trouble();
  const auto seen = notes.all();
  ASSERT_EQ(seen.size(), 51U);
  ASSERT_EQ(host.emitted().size(), 51U);
  for (size_t n = 0; n < 51; ++n) {
    EXPECT_EQ(seen[n].method, "POST");
    EXPECT_EQ(seen[n].target, "/in?unit=7");
    EXPECT_EQ(seen[n].body, messages[n].payload);
    EXPECT_EQ(seen[n].headers.at("x-key"), "secret");
    EXPECT_EQ(seen[n].headers.at("content-type"), "application/json");
    EXPECT_EQ(host.completions()[n].status, DTU_OK);
    EXPECT_EQ(host.emitted()[n].payload, "re: " + messages[n].payload);
    EXPECT_EQ(host.emitted()[n].route, "");
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(health(i, "dtu_state"), 200);
  EXPECT_EQ(health(i, "delivered"), 51);
  EXPECT_EQ(host.metric("http_requests"), 51);
  EXPECT_TRUE(i.stop_and_wait());
}

TEST_F(ChannelTest, OneRequestAtATime) {
  std::atomic<int> now{0}, most{0};
  Server server([&](Peer& peer, int) {
    while (peer.read()) {
      most = std::max(most.load(), ++now);
      peer.pause_ms(5);
      --now;
      if (!peer.write(answer(200))) return;
    }
  });
  Instance i = up(conf(server.url()));
  const auto first = i.send({{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(first.taken, 1U);
  EXPECT_EQ(first.status, DTU_AGAIN);
  EXPECT_EQ(i.send({{"b"}}).taken, 0U);
  ASSERT_TRUE(completed(1));
  send_all(i, {{"b"}, {"c"}});
  ASSERT_TRUE(completed(3));
  EXPECT_EQ(most, 1);
}

TEST_F(ChannelTest, MethodsAndFixedBodies) {
  Notes notes;
  Server server(notes.script([](const Asked& a, size_t) { return answer(200, a.method == "HEAD" ? "" : "ok"); }));
  struct Row {
    const char* more;
    const char* method;
    const char* body;
  };
  const Row rows[] = {{R"("method": "get")", "GET", ""},
                      {R"("method": "GET", "reg_data": "fixed")", "GET", "fixed"},
                      {R"("method": "delete")", "DELETE", ""},
                      {R"("method": "head")", "HEAD", ""},
                      {R"("method": "put")", "PUT", "message"},
                      {R"("method": "Post", "data": "fixed")", "POST", "fixed"},
                      {R"("post_data": "fixed")", "POST", "fixed"},
                      {R"("uplink": "raw")", "POST", "message"}};
  for (const Row& row : rows) {
    host.clear();
    Instance i = up(conf(server.url(), row.more));
    send_all(i, {{"message"}});
    ASSERT_TRUE(completed(1)) << trouble();
    const Asked asked = notes.all().back();
    EXPECT_EQ(asked.method, row.method);
    EXPECT_EQ(asked.body, row.body);
    EXPECT_EQ(host.emitted().size(), asked.method == "HEAD" ? 0U : 1U);
    EXPECT_TRUE(i.stop_and_wait());
  }
  EXPECT_EQ(notes.all().back().headers.at("content-type"), "application/octet-stream");
}

TEST_F(ChannelTest, RequestsById) {
  Notes notes;
  Server server(notes.script([](const Asked& a, size_t) { return answer(200, a.method + a.target); }));
  Instance i = up(conf(server.url("/common"), R"("request": {"10": {"method": "get", "url": ")" + server.url("/ten") +
                                                  R"("}, "2": {"method": "put"}, "a.b": {"url": ")" +
                                                  server.url("/ab") + R"(", "data": "x"}})"));
  send_all(i, {{"m", "10"}, {"m", "2"}, {"m", "a.b"}, {"m", ""}, {"m", "3"}});
  ASSERT_TRUE(completed(5)) << trouble();
  ASSERT_EQ(host.emitted().size(), 4U);
  EXPECT_EQ(host.emitted()[0].payload + " " + host.emitted()[0].route, "GET/ten 10");
  EXPECT_EQ(host.emitted()[1].payload + " " + host.emitted()[1].route, "PUT/common 2");
  EXPECT_EQ(host.emitted()[2].payload + " " + host.emitted()[2].route, "POST/ab a.b");
  EXPECT_EQ(host.emitted()[3].payload + " " + host.emitted()[3].route, "PUT/common 2") << "the lowest by value";
  EXPECT_EQ(host.completions()[4].status, DTU_E_INVALID);
  EXPECT_TRUE(host.logged("there is no request id \"3\""));
  EXPECT_EQ(notes.all()[2].body, "x");
}

TEST_F(ChannelTest, EmptyAnswersAreAnswers) {
  Server server(Server::replies([](const Asked&) { return std::string("HTTP/1.1 204 No Content\r\n\r\n"); }));
  Instance i = up(conf(server.url()));
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  ASSERT_EQ(host.emitted().size(), 1U);
  EXPECT_EQ(host.emitted()[0].payload, "");
}

TEST_F(ChannelTest, WhileThePortIsFullNothingIsAsked) {
  Notes notes;
  Server server(notes.script([](const Asked& a, size_t) { return answer(200, a.body); }));
  Instance i = up(conf(server.url()));
  host.block_emit(true);
  send_all(i, {{"one"}});
  ASSERT_TRUE(completed(1));
  EXPECT_EQ(host.completions()[0].status, DTU_OK) << "delivered is delivered";
  EXPECT_EQ(i.send({{"two"}}).taken, 0U);
  EXPECT_EQ(notes.count(), 1U);
  host.block_emit(false);
  ASSERT_TRUE(wait([&] { return host.emitted().size() == 1; }));
  send_all(i, {{"two"}});
  ASSERT_TRUE(completed(2));
  EXPECT_EQ(host.emitted()[1].payload, "two");
}

TEST_F(ChannelTest, OverTls) {
  mqtt_test::TlsFiles files;
  files.issue("good", "IP:127.0.0.1");
  Server server(Server::replies([](const Asked& a) { return answer(200, a.body); }), files.file("good.pem"),
                files.file("good.key"));
  {
    Instance i = up(conf(server.url(), R"("tls": {"ca": ")" + files.file("ca.pem") + "\"}"));
    send_all(i, {{"secret"}});
    ASSERT_TRUE(completed(1)) << trouble();
    EXPECT_EQ(host.emitted_bytes(), "secret");
  }
  host.clear();
  Instance wrong = up(conf(server.url()));
  send_all(wrong, {{"secret"}});
  ASSERT_TRUE(completed(1));
  EXPECT_EQ(host.completions()[0].status, DTU_E_IO);
  EXPECT_THAT(host.reports().back().text, HasSubstr("certificate is not accepted"));
  EXPECT_TRUE(wrong.stop_and_wait());
  Instance blind = up(conf(server.url(), R"("tls": {"verify": false})"));
  EXPECT_TRUE(host.logged("tls.verify is false"));
  EXPECT_THAT(blind.health(), HasSubstr("insecure"));
}

}  // namespace
}  // namespace channel_http::test
