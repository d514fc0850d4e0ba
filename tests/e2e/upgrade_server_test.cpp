// Upgrade servers that lie, stumble or are slow: what comes is what was ordered, or nothing is installed.
#include <sys/resource.h>

#include <filesystem>

#include "harness/upgrade.hpp"

namespace e2e {
namespace {

using http_test::Asked;
using http_test::Peer;
using http_test::Server;

struct UpgradeServer : UpgradeTest {
  std::string file = firmware("2", 3000);
  int wholes = 0;
  // Orders it from a server with this script and waits for the end.
  void run(const Server::Script& script, const std::string& end, const std::string& error_has = "",
           const std::string& more = "") {
    const Server server(script);
    ordered(order_of(server.url("/fw"), file, more));
    expect_end(end, error_has);
  }
  // Orders it from a server whose answer is tried again, and cancels the order then.
  void run_again(const Server::Script& script, const std::string& note_has, const std::string& more = "") {
    const Server server(script);
    ordered(order_of(server.url("/fw"), file, more));
    EXPECT_TRUE(eventually([&] {
      const std::string note = text(state(), "note");
      return note.find(note_has) != std::string::npos && note.find("; tries again in ") != std::string::npos;
    })) << text(state(), "note");
    EXPECT_EQ(dtud.dtuctl({"upgrade", "cancel"}).status, 0);
    expect_end("cancelled");
  }
  // Answers each connection with what `reply` makes of the request and of how many came before, and closes it.
  Server::Script replies(std::function<std::string(const Asked&, size_t)> reply) {
    return [this, reply](Peer& peer, int) {
      if (const auto a = peer.read()) {
        const size_t before = asked.size();
        asked.add(*a);
        peer.write(reply(*a, before));
      }
    };
  }
};

TEST_F(UpgradeServer, ThatLiesAboutTheSize) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto honest = replies([this](const Asked& a, size_t) { return serve(a, file); });
  run_again(honest, "the server says the file has 3000 bytes, the order 2999", R"("size": 2999)");
  run_again(honest, "the server says the file has 3000 bytes, the order 3001", R"("size": 3001)");
  const auto silent = replies([this](const Asked&, size_t) { return "HTTP/1.1 200 OK\r\n\r\n" + file; });
  run_again(silent, "the server sends more bytes than the order allows: 2999", R"("size": 2999)");
  stop();
}

TEST_F(UpgradeServer, ThatLiesAboutTheDigest) {
  ASSERT_NO_FATAL_FAILURE(start());
  std::string other = file;
  other[2000] ^= 1;
  run_again(replies([&](const Asked& a, size_t) { return serve(a, other); }),
            "the file does not match the order: its SHA-256 is");
  stop();
}

// What came in parts may have been put together of two files: then it is fetched once more, as a whole.
TEST_F(UpgradeServer, ThatMixesTwoFilesIsAskedOnceMoreForTheWhole) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string other(3000, 'x');
  run(replies([&](const Asked& a, size_t before) {
        if (before == 0) return serve(a, other).substr(0, 1500);
        return serve(a, file);  // says the same ETag
      }),
      "took");
  const auto ranges = asked.ranges();
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_NE(ranges[1], "");
  EXPECT_EQ(ranges[2], "");
  stop();
}

// A page instead of the file, until somebody has logged in.
TEST_F(UpgradeServer, ThatIsBehindACaptivePortal) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string page = "<html>Please log in</html>";
  const auto portal = [&](const std::string& answer) {
    return replies([this, answer, first = asked.size()](const Asked& a, size_t n) {
      return n == first ? answer : serve(a, file);
    });
  };
  run(portal(http_test::answer(200, page, "Content-Type: text/html\r\n")), "took");
  run(portal("HTTP/1.0 200 OK\r\n\r\n" + page), "took", "", R"("force": true)");
  run(portal(http_test::answer(302, "", "Location: javascript:login()\r\n")), "took", "", R"("force": true)");
  run(portal(http_test::answer(511, page)), "took", "", R"("force": true, "size": 3000)");
  run(portal(http_test::answer(200, page, "Content-Type: text/html\r\n")), "took", "",
      R"("force": true, "size": 3000)");
  stop();
}

// A server that does not say how long the file is, so that nobody sees that it was cut off.
TEST_F(UpgradeServer, ThatIsCutOffUnseen) {
  ASSERT_NO_FATAL_FAILURE(start());
  run(replies([this](const Asked&, size_t n) {
        return "HTTP/1.0 200 OK\r\n\r\n" + (n == 0 ? file.substr(0, 1000) : file);
      }),
      "took");
  EXPECT_EQ(asked.size(), 2U);
  stop();
}

TEST_F(UpgradeServer, ThatClosesAfterEveryByte) {
  file = firmware("2", 120);
  ASSERT_NO_FATAL_FAILURE(start());
  run(replies([&](const Asked& a, size_t) {
        const std::string whole = serve(a, file);
        return whole.substr(0, whole.find("\r\n\r\n") + 5);  // one byte of the body
      }),
      "took", "", R"("size": 120)");
  EXPECT_EQ(asked.size(), 120U);
  EXPECT_EQ(asked.ranges().back(), "bytes=119-");
  stop();
}

TEST_F(UpgradeServer, ThatIsSlowButGoesOn) {
  file = firmware("2", 60);
  ASSERT_NO_FATAL_FAILURE(start());  // stall_s 2
  run(
      [&](Peer& peer, int) {
        const auto a = peer.read();
        if (!a) return;
        asked.add(*a);
        for (const char c : serve(*a, file))
          if (!peer.write(std::string(1, c)) || !peer.pause_ms(30)) return;
      },
      "took");
  EXPECT_EQ(asked.size(), 1U);
  stop();
}

TEST_F(UpgradeServer, ThatFallsSilentIsAskedForTheRest) {
  ASSERT_NO_FATAL_FAILURE(start());
  run(
      [&](Peer& peer, int connection) {
        const auto a = peer.read();
        if (!a) return;
        asked.add(*a);
        const std::string whole = serve(*a, file);
        peer.write(connection == 1 ? whole.substr(0, whole.size() - 1000) : whole);
        if (connection == 1) peer.wait_closed();
      },
      "took");
  EXPECT_EQ(asked.ranges(), (std::vector<std::string>{"", "bytes=2000-"}));
  stop();
}

TEST_F(UpgradeServer, ThatRedirects) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto to = [&](const std::string& location) {
    return replies([this, location](const Asked& a, size_t) {
      return a.target == "/fw" ? http_test::answer(302, "", "Location: " + location + "\r\n") : serve(a, file);
    });
  };
  run_again(to("file:///etc/passwd"), "redirects to an unusable address");
  run_again(to("ftp://127.0.0.1/x"), "redirects to an unusable address");
  run_again(to("/fw"), "sixth redirect in a row");
  run(to("/there"), "took");
  stop();
}

TEST_F(UpgradeServer, WhoseFileChangesBetweenTwoParts) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string old(5000, 'o');
  run(replies([&](const Asked& a, size_t before) {
        return before == 0 ? serve(a, old, "\"old\"").substr(0, 2000) : serve(a, file, "\"new\"");
      }),
      "took");
  // One that does not care for If-Range, but is honest about its ETag.
  const size_t first = asked.size();
  run(replies([&](const Asked& a, size_t before) {
        Asked careless = a;
        careless.headers.erase("if-range");
        return before == first ? serve(a, old, "\"old\"").substr(0, 2000) : serve(careless, file, "\"new\"");
      }),
      "took", "", R"("force": true)");
  stop();
}

TEST_F(UpgradeServer, ThatKnowsNoRanges) {
  ASSERT_NO_FATAL_FAILURE(start());
  run(replies([&](const Asked&, size_t before) {
        const std::string whole = http_test::answer(200, file);
        return before < 2 ? whole.substr(0, 1000) : whole;
      }),
      "took");
  stop();
}

TEST_F(UpgradeServer, ThatLiesAboutTheRange) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto answers = [&](const std::string& range_answer) {
    return replies([this, range_answer](const Asked& a, size_t) {
      const bool whole = a.headers.count("range") == 0;
      if (!whole) return range_answer;
      return ++wholes == 1 ? serve(a, file).substr(0, 1500) : serve(a, file);
    });
  };
  for (const std::string& lie :
       {http_test::answer(206, "xxxxx", "Content-Range: bytes 0-4/3000\r\n"),
        http_test::answer(206, "xxxxx", "Content-Range: bytes 1400-1404/3000\r\n"),
        http_test::answer(206, "xxxxx", "Content-Range: nonsense\r\n"), http_test::answer(206, "xxxxx"),
        http_test::answer(206, "xxxxx", "Content-Range: bytes 18446744073709551615-0/1\r\n"),
        http_test::answer(416, "", "Content-Range: bytes */10\r\n"), http_test::answer(416)}) {
    wholes = 0;
    run(answers(lie), "took", "", R"("force": true)");
    EXPECT_EQ(wholes, 2) << lie;
  }
  stop();
}

TEST_F(UpgradeServer, ThatCompressesOrNeverEndsOrHasNothing) {
  ASSERT_NO_FATAL_FAILURE(start(R"("max_bytes": 100000)"));
  run_again(replies([&](const Asked&, size_t) { return http_test::answer(200, file, "Content-Encoding: gzip\r\n"); }),
            "compressed (gzip)");
  run(
      [&](Peer& peer, int) {
        if (!peer.read()) return;
        peer.write("HTTP/1.1 200 OK\r\n\r\n");
        while (peer.write(std::string(4096, 'x'))) {
        }
      },
      "failed", "longer than 100000 bytes");
  run(
      [&](Peer& peer, int) {
        if (!peer.read()) return;
        peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while (peer.write("1000\r\n" + std::string(4096, 'x') + "\r\n")) {
        }
      },
      "failed", "longer than 100000 bytes");
  run(replies([&](const Asked&, size_t) {
        return std::string("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n");
      }),
      "failed", "at most 100000 are allowed");
  stop();
}

TEST_F(UpgradeServer, ThatIsNotThereYetOrBusy) {
  ASSERT_NO_FATAL_FAILURE(start());
  run(replies([&](const Asked&, size_t) { return http_test::answer(404); }), "failed", "answered 404");
  const size_t before = asked.size();
  run(replies([&](const Asked& a, size_t n) {
        return n == before ? http_test::answer(503, "", "Retry-After: 1\r\n") : serve(a, file);
      }),
      "took");
  stop();
}

TEST_F(UpgradeServer, WhoseLinkIsDownForAWhile) {
  ASSERT_NO_FATAL_FAILURE(start());
  const uint16_t port = free_port();
  ordered(order_of("http://127.0.0.1:" + std::to_string(port) + "/fw", file));
  EXPECT_TRUE(eventually([&] { return text(state(), "note").find("tries again in") != std::string::npos; }));
  TcpServer late(port);
  for (;;) {
    TcpPeer peer = late.accept();
    ASSERT_GE(peer.fd(), 0);
    if (peer.read_until("\r\n\r\n").empty()) continue;
    ASSERT_TRUE(peer.write(http_test::answer(200, file)));
    break;
  }
  expect_end("took");
  stop();
}

TEST_F(UpgradeServer, ADiskThatFillsUpInTheMiddleFailsAndIsFreedAgain) {
  file = firmware("2", 400'000);
  ASSERT_NO_FATAL_FAILURE(start());
  const rlimit little{200'000, RLIM_INFINITY};  // bytes a file may have, also in dtu-fetch
  ASSERT_EQ(::prlimit(dtud.process().pid(), RLIMIT_FSIZE, &little, nullptr), 0);
  const auto honest = replies([this](const Asked& a, size_t) { return serve(a, file); });
  run(honest, "failed", "cannot write");
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(dtud.process().pid(), RLIMIT_FSIZE, &all, nullptr), 0);
  run(honest, "took");
  stop();
}

}  // namespace
}  // namespace e2e
