// What a good server sees and gives: methods, bodies, kept connections.
#include "fixture.hpp"

namespace http_test {
namespace {

TEST_F(ClientTest, MethodsBodiesAndHeadersArrive) {
  std::mutex mutex;
  std::vector<Asked> seen;
  Server server(Server::replies([&](const Asked& a) {
    const std::lock_guard lock(mutex);
    seen.push_back(a);
    return answer(200, a.method == "HEAD" ? "" : "answer to " + a.method);
  }));
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "HEAD"}) {
    const bool body = std::string(method)[0] == 'P';
    auto r = request(server.url("/a/b?c=d"), method, body ? std::string("bytes \0 \xff", 9) : "");
    r.headers = {{"X-Test", "yes"}};
    r.content_type = "text/plain";
    const Answer a = ask(r);
    EXPECT_EQ(a.status, 200) << a.text;
    EXPECT_EQ(a.body, std::string(method) == "HEAD" ? "" : std::string("answer to ") + method);
    EXPECT_EQ(a.trouble, Trouble::none);
  }
  const std::lock_guard lock(mutex);
  ASSERT_EQ(seen.size(), 5U);
  EXPECT_EQ(server.connections(), 1) << "the connection is kept";
  for (auto& a : seen) {
    const bool body = a.method[0] == 'P';
    EXPECT_EQ(a.target, "/a/b?c=d");
    EXPECT_EQ(a.headers["x-test"], "yes");
    EXPECT_EQ(a.headers["host"], "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(a.body.size(), body ? 9U : 0U);
    EXPECT_EQ(a.headers.count("content-length"), body ? 1U : 0U);
    EXPECT_EQ(a.headers.count("content-type"), body ? 1U : 0U);
  }
}

TEST_F(ClientTest, AnswersOfEveryForm) {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nwiki\r\n5\r\npedia\r\n0\r\nA: b\r\n\r\n";
  Server server([&](Peer& peer, int connection) {
    while (auto asked = peer.read()) {
      if (asked->target == "/chunked") peer.write(chunked);
      if (asked->target == "/bytewise")
        for (const char c : chunked)
          if (!peer.write(std::string_view(&c, 1))) return;
      if (asked->target == "/continue") peer.write("HTTP/1.1 100 Continue\r\n\r\n" + answer(201, "after"));
      if (asked->target == "/empty") peer.write("HTTP/1.1 204 No Content\r\n\r\n");
      if (asked->target == "/same") peer.write("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n");
      if (asked->target == "/head") peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
      if (asked->target == "/bare") peer.write("HTTP/1.1 200\nContent-Length: 2\n\nok");
      if (asked->target == "/end") return void(peer.write("HTTP/1.0 200 OK\r\n\r\nto the end"));
    }
    EXPECT_LE(connection, 2);
  });
  EXPECT_EQ(get(server.url("/chunked")).body, "wikipedia");
  EXPECT_EQ(get(server.url("/bytewise")).body, "wikipedia");
  EXPECT_EQ(get(server.url("/continue")).body, "after");
  EXPECT_EQ(get(server.url("/empty")).status, 204);
  EXPECT_EQ(get(server.url("/same")).status, 304);
  EXPECT_EQ(ask(request(server.url("/head"), "HEAD")).status, 200);
  EXPECT_EQ(get(server.url("/bare")).body, "ok");
  EXPECT_EQ(server.connections(), 1);
  const Answer end = get(server.url("/end"));
  EXPECT_EQ(end.body, "to the end");
  EXPECT_EQ(end.trouble, Trouble::none);
  EXPECT_EQ(get(server.url("/empty")).connections, 1U);
}

TEST_F(ClientTest, AnswersComeInOrderAndTheQueueIsBounded) {
  Server server(Server::replies([](const Asked& a) { return answer(200, a.target); }));
  std::vector<std::string> got;
  size_t asked = 0;
  while (asked < 200 &&
         client->ask(request(server.url("/" + std::to_string(asked))), [&](const Answer& a) { got.push_back(a.body); }))
    ++asked;
  EXPECT_GE(asked, http::Client::kMostWaiting);
  EXPECT_LT(asked, 200U) << "it takes any number";
  ASSERT_TRUE(host.run_until([&] { return got.size() == asked; }, 30s));
  for (size_t i = 0; i < asked; ++i) EXPECT_EQ(got[i], "/" + std::to_string(i));
}

TEST_F(ClientTest, ClosedMeanwhileIsOpenedAnew) {
  std::atomic<int> closed{0};
  Server server([&](Peer& peer, int) {
    if (auto asked = peer.read()) peer.write(answer(200, "one"));
    ++closed;
  });
  for (int i = 1; i <= 3; ++i) {
    // POST too: that the connection is gone shows before anything is sent.
    const Answer a = ask(request(server.url(), "POST", "x"));
    EXPECT_EQ(a.status, 200) << a.text;
    ASSERT_TRUE(host.run_until([&] { return closed == i; }, 30s));
    host.run_for(20ms);  // the end of the stream has to arrive
  }
  EXPECT_EQ(server.connections(), 3);
}

// The second request is read and not answered: only the client's end can tell that it was the connection.
TEST_F(ClientTest, DyingKeptConnectionIsTriedOnceMoreUnlessItIsPost) {
  for (const bool reset : {false, true}) {
    std::atomic<int> requests{0};
    Server server([&](Peer& peer, int connection) {
      if (!peer.read()) return;
      ++requests;
      if (connection <= 2) {
        peer.write(answer(200, "kept"));
        if (peer.read()) ++requests;
        if (reset) peer.reset();
        return;
      }
      peer.write(answer(200, "anew"));
      peer.wait_closed();
    });
    make();
    EXPECT_EQ(get(server.url()).body, "kept");
    const Answer put = ask(request(server.url(), "PUT", "x"));
    EXPECT_EQ(put.body, "kept") << put.text;
    const Answer post = ask(request(server.url(), "POST", "x"));
    EXPECT_EQ(post.status, 0);
    EXPECT_EQ(post.trouble, Trouble::closed) << post.text;
    EXPECT_EQ(requests, 4);
    EXPECT_EQ(get(server.url()).body, "anew");
    client.reset();
  }
}

TEST_F(ClientTest, FreshConnectionIsNotTriedAgain) {
  Server server([](Peer& peer, int) { (void)peer.read(); });
  const Answer a = get(server.url());
  EXPECT_EQ(a.trouble, Trouble::closed);
  EXPECT_THAT(a.text, HasSubstr("closed the connection without an answer"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(ClientTest, EarlyRefusalIsRead) {
  Server server([](Peer& peer, int) { peer.write(answer(413, "too much", "Connection: close\r\n")); });
  const Answer a = ask(request(server.url(), "POST", std::string(8U << 20U, 'x')));
  // What the server sent may be lost with its RST: then the trouble says that it closed.
  EXPECT_TRUE(a.status == 413 || a.trouble == Trouble::closed) << a.text;
}

}  // namespace
}  // namespace http_test
