// What a server must not do to us: be slow, say too much, say nonsense, vanish.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>

#include "fixture.hpp"

namespace http_test {
namespace {

using Clock = std::chrono::steady_clock;

class Hostile : public ClientTest {
 protected:
  Answer says(const std::string& text) {
    Server server([&](Peer& peer, int) {
      if (peer.read() && peer.write(text)) peer.wait_closed();
    });
    auto r = request(server.url());
    r.timeout_ms = 20'000;
    Answer a = ask(r);
    client.reset();
    make();
    return a;
  }
};

TEST_F(Hostile, Nonsense) {
  const std::pair<const char*, const char*> rows[] = {
      {"SSH-2.0-OpenSSH_9.2\r\n", "sent an invalid HTTP answer"},
      {"\r\n\r\nHTTP/1.1 200 OK\r\n", "does not begin with HTTP"},
      {"HTTP/2.0 200 OK\r\n\r\n", "does not begin with HTTP"},
      {"HTTP/1.1 abc OK\r\n\r\n", "is broken"},
      {"HTTP/1.1 999 OK\r\n\r\n", "no status"},
      {"HTTP/1.1 -1 OK\r\n\r\n", "no status"},
      {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "is no length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "is no length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345", "is no length"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "was not requested"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n", "begin with its size"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n", "longer than it says"},
  };
  for (const auto& [text, why] : rows) {
    const Answer a = says(text);
    EXPECT_EQ(a.trouble, Trouble::failed) << text;
    EXPECT_EQ(a.body, "") << text;
    EXPECT_THAT(a.text, HasSubstr(why)) << text;
  }
}

TEST_F(Hostile, TooLongABody) {
  const std::string long_one(70000, 'x');
  for (const std::string& text :
       {answer(200, long_one), std::string("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + long_one,
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nffffffffffffffff\r\n"),
        "HTTP/1.1 200 OK\r\n\r\n" + long_one}) {
    const Answer a = says(text);
    EXPECT_EQ(a.trouble, Trouble::too_large) << text.substr(0, 80) << a.text;
    EXPECT_EQ(a.status, 200) << "what the head said stands";
    EXPECT_EQ(a.body, "");
    EXPECT_THAT(a.text, HasSubstr("longer than 65536 bytes"));
  }
  EXPECT_EQ(says(answer(200, std::string(65536, 'x'))).body.size(), 65536U);
}

TEST_F(Hostile, EndlessThings) {
  const std::pair<std::string, std::string> rows[] = {
      {"HTTP/1.1 200 OK\r\n", "X-Header: and one more\r\n"},
      {"HTTP/1.1 200 OK\r\nX: ", "one line without an end "},
      {"", "HTTP/1.1 100 Continue\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "a chunk's size without an end "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-Trailer: and one more\r\n"},
      {"HTTP/1.1 200 OK\r\n\r\n", "a body without an end "},
  };
  for (const auto& [first, again] : rows) {
    Server server([first = first, again = again](Peer& peer, int) {
      if (!peer.read() || !peer.write(first)) return;
      std::string much;
      while (much.size() < 4096) much += again;
      while (peer.write(much)) {
      }
    });
    make();
    const Answer a = get(server.url());
    EXPECT_NE(a.trouble, Trouble::none) << again;
    EXPECT_THAT(a.text, testing::Not(HasSubstr("too long a time"))) << again;
    client.reset();
  }
}

TEST_F(Hostile, VanishesInTheMiddle) {
  for (const char* text : {"HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n12345"}) {
    Server server([&](Peer& peer, int) {
      if (peer.read()) peer.write(text);
    });
    make();
    const Answer a = get(server.url());
    EXPECT_EQ(a.trouble, Trouble::failed) << text;
    EXPECT_THAT(a.text, HasSubstr("in the middle of its answer")) << text;
    EXPECT_EQ(a.body, "");
    EXPECT_EQ(server.connections(), 1);
    client.reset();
  }
}

TEST_F(Hostile, TheWholeRequestHasADeadlineHoweverItDrips) {
  Server server([](Peer& peer, int) {
    if (!peer.read() || !peer.write("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n")) return;
    while (peer.pause_ms(20) && peer.write("x")) {
    }
  });
  auto r = request(server.url());
  r.timeout_ms = 400;
  const auto begin = Clock::now();
  const Answer a = ask(r);
  EXPECT_GE(Clock::now() - begin, 400ms);
  EXPECT_EQ(a.trouble, Trouble::failed);
  EXPECT_THAT(a.text, HasSubstr("took too long"));
}

TEST_F(Hostile, NobodyListens) {
  uint16_t port = 0;
  {
    Server gone([](Peer&, int) {});
    port = gone.port();
  }
  const Answer a = get("http://127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(a.trouble, Trouble::failed);
  EXPECT_THAT(a.text, HasSubstr("refused"));
}

TEST_F(Hostile, TheSecondAddressIsTried) {
  Server server(Server::replies([](const Asked&) { return answer(200, "here"); }));
  make({}, [](const std::string&, uint16_t port) {
    std::vector<http::Address> both(2);
    for (size_t i = 0; i < 2; ++i) {
      auto* a = reinterpret_cast<sockaddr_in*>(&both[i].storage);
      a->sin_family = AF_INET;
      a->sin_port = htons(i == 0 ? 1 : port);
      a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      both[i].length = sizeof *a;
    }
    return both;
  });
  EXPECT_EQ(get("http://two.example:" + std::to_string(server.port())).body, "here");
}

TEST_F(Hostile, StopEndsWhatIsUnderWayAtOnce) {
  // One hangs in its answer; the other does not even take the connection: its queue of one is full.
  Server silent([](Peer& peer, int) { peer.wait_closed(); });
  const int full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof a;
  ASSERT_EQ(::bind(full, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
  ASSERT_EQ(::listen(full, 0), 0);
  ASSERT_EQ(::getsockname(full, reinterpret_cast<sockaddr*>(&a), &length), 0);
  const int first = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::connect(first, reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);

  for (const std::string& url : {silent.url(), "http://127.0.0.1:" + std::to_string(ntohs(a.sin_port))}) {
    make();
    bool answered = false;
    bool stopped = false;
    auto r = request(url);
    r.timeout_ms = 60'000;
    ASSERT_TRUE(client->ask(r, [&](const Answer&) { answered = true; }));
    host.run_for(50ms);
    const auto begin = Clock::now();
    EXPECT_FALSE(client->stop([&] { stopped = true; }));
    EXPECT_FALSE(client->ask(request(url), [](const Answer&) {}));
    ASSERT_TRUE(host.run_until([&] { return stopped; }, 30s));
    EXPECT_LT(Clock::now() - begin, 10s);
    EXPECT_FALSE(answered);
    client.reset();
  }
  ::close(first);
  ::close(full);
}

TEST_F(Hostile, StopWithNothingEverAsked) {
  EXPECT_TRUE(client->stop([] { FAIL(); }));
}

// A look-up cannot be interrupted: stop waits for it, the lane does not.
TEST_F(Hostile, StopWhileTheNameIsLookedUp) {
  std::mutex mutex;
  std::condition_variable changed;
  bool asked = false, go = false;
  make({}, [&](const std::string&, uint16_t) {
    std::unique_lock lock(mutex);
    asked = true;
    changed.notify_all();
    changed.wait_for(lock, 30s, [&] { return go; });
    return std::vector<http::Address>();
  });
  bool stopped = false;
  ASSERT_TRUE(client->ask(request("http://name.example"), [](const Answer&) { FAIL(); }));
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 30s, [&] { return asked; }));
  }
  EXPECT_FALSE(client->stop([&] { stopped = true; }));
  host.run_for(50ms);
  EXPECT_FALSE(stopped);
  {
    const std::lock_guard lock(mutex);
    go = true;
    changed.notify_all();
  }
  EXPECT_TRUE(host.run_until([&] { return stopped; }, 30s));
}

}  // namespace
}  // namespace http_test
