// Bodies into a sink, and what a server may do to them.
#include <gmock/gmock.h>
#include <poll.h>

#include <dtu/kit/http/download.hpp>

#include "channel-mqtt/tls_files.hpp"
#include "fixture.hpp"

namespace http_test {
namespace {

using http::Downloaded;
using http::Outcome;

struct Kept : http::Sink {
  std::string bytes;
  int begun = 0;
  http::Begun last;
  void begin(const http::Begun& begun_now) override {
    ++begun;
    last = begun_now;
    if (last.from == 0) bytes.clear();
  }
  void take(std::string_view piece) override { bytes.append(piece); }
  void clear() {
    bytes.clear();
    begun = 0;
  }
};

struct DownloadTest : testing::Test {
  const http::Event wake;
  Kept sink;
  std::chrono::milliseconds stall{5000};
  http::SslContext context;

  Downloaded get(const std::string& url, const std::string& validator = "", uint64_t most = 1'000'000) {
    http::Wanted wanted;
    wanted.url = http::parse_url(url);
    wanted.from = sink.bytes.size();
    wanted.validator = validator;
    wanted.most = most;
    const http::Patience patience(wake.fd(), http::Patience::Clock::time_point::max(), stall);
    return http::download(wanted, context.get(), http::system_lookup, patience, sink);
  }
  // From a server that says exactly this, to each connection.
  Downloaded of(const std::string& bytes, const std::string& validator = "", uint64_t most = 1'000'000) {
    const Server server([bytes](Peer& peer, int) {
      if (peer.read()) peer.write(bytes);
    });
    return get(server.url(), validator, most);
  }
};

const std::string kHead = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 20\r\n\r\n";
const std::string kBody = "0123456789abcdefghij";

TEST_F(DownloadTest, AWholeBody) {
  EXPECT_EQ(of(kHead + kBody).outcome, Outcome::complete);
  EXPECT_EQ(sink.bytes, kBody);
  EXPECT_EQ(sink.last.total, 20U);
  EXPECT_EQ(sink.last.validator, "\"a\"");
}

// Whatever byte of the answer the server closes after: what came of the body is kept, and there is something to go on
// with.
TEST_F(DownloadTest, ClosedAfterEveryByte) {
  const std::string whole = kHead + kBody;
  for (size_t n = 0; n < whole.size(); ++n) {
    sink.clear();
    const Downloaded got = of(whole.substr(0, n));
    EXPECT_EQ(got.outcome, Outcome::again) << n;
    EXPECT_NE(got.text, "");
    EXPECT_EQ(sink.bytes, kBody.substr(0, n > kHead.size() ? n - kHead.size() : 0)) << n;
  }
}

TEST_F(DownloadTest, ChunkedAndToTheEnd) {
  EXPECT_EQ(of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").outcome,
            Outcome::complete);
  EXPECT_EQ(sink.bytes, "hello");
  EXPECT_FALSE(sink.last.total);
  sink.clear();
  EXPECT_EQ(of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel").outcome, Outcome::again);
  sink.clear();
  EXPECT_EQ(of("HTTP/1.0 200 OK\r\n\r\nhello").outcome, Outcome::complete);
  EXPECT_EQ(sink.bytes, "hello");
}

TEST_F(DownloadTest, GoesOnWhereItWas) {
  sink.bytes = "01234";
  Asked asked;
  const Server server(Server::replies([&](const Asked& a) {
    asked = a;
    return answer(206, "56789", "Content-Range: bytes 5-9/10\r\nETag: \"a\"\r\n");
  }));
  EXPECT_EQ(get(server.url(), "\"a\"").outcome, Outcome::complete);
  EXPECT_EQ(sink.bytes, "0123456789");
  EXPECT_EQ(sink.last.from, 5U);
  EXPECT_EQ(sink.last.total, 10U);
  EXPECT_EQ(asked.headers["range"], "bytes=5-");
  EXPECT_EQ(asked.headers["if-range"], "\"a\"");
  EXPECT_EQ(asked.headers["accept-encoding"], "identity");
}

TEST_F(DownloadTest, AnAnswerThatIsNotTheRestIsNoUse) {
  const std::string ok = "HTTP/1.1 206 P\r\nContent-Length: 5\r\nContent-Range: ";
  for (const std::string& lie :
       {ok + "bytes 4-8/10\r\n\r\nxxxxx", ok + "bytes 5-8/10\r\n\r\nxxxxx", ok + "bytes 5-9/11\r\n\r\nxxxxx",
        ok + "bytes 5-\r\n\r\nxxxxx", ok + "bytes x-y/z\r\n\r\nxxxxx", ok + "\r\n\r\nxxxxx",
        ok + "pages 5-9/10\r\n\r\nxxxxx", ok + "bytes 5-9/10\r\nETag: \"b\"\r\n\r\nxxxxx",
        ok + "bytes 5-18446744073709551615/0\r\n\r\nxxxxx",
        std::string("HTTP/1.1 206 P\r\nContent-Length: 5\r\n\r\nxxxxx"),
        std::string("HTTP/1.1 416 R\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n")}) {
    sink.clear();
    sink.bytes = "01234";
    EXPECT_EQ(of(lie, "\"a\"").outcome, Outcome::from_start) << lie;
    EXPECT_EQ(sink.bytes, "01234") << lie;
  }
}

TEST_F(DownloadTest, WhatIsThereMayBeAllOfIt) {
  sink.bytes = "01234";
  EXPECT_EQ(of("HTTP/1.1 416 R\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n").outcome, Outcome::complete);
  EXPECT_EQ(sink.begun, 0);
}

TEST_F(DownloadTest, AWeakTagIsNoValidator) {
  EXPECT_EQ(of("HTTP/1.1 200 OK\r\nETag: W/\"a\"\r\nLast-Modified: Mon\r\nContent-Length: 1\r\n\r\nx").outcome,
            Outcome::complete);
  EXPECT_EQ(sink.last.validator, "Mon");
  EXPECT_EQ(of("HTTP/1.1 200 OK\r\nETag: W/\"a\"\r\nContent-Length: 1\r\n\r\nx").outcome, Outcome::complete);
  EXPECT_EQ(sink.last.validator, "");
}

TEST_F(DownloadTest, Statuses) {
  for (const int status : {201, 204, 206, 304, 408, 425, 429, 500, 502, 503, 504, 511})
    EXPECT_EQ(of(answer(status)).outcome, Outcome::again) << status;
  for (const int status : {400, 401, 403, 404, 410, 416})
    EXPECT_EQ(of(answer(status)).outcome, Outcome::refused) << status;
  EXPECT_EQ(of(answer(503, "", "Retry-After: 120\r\n")).retry_after_s, 120U);
  EXPECT_EQ(of(answer(503, "", "Retry-After: Mon, 01 Jan\r\n")).retry_after_s, 0U);
  EXPECT_EQ(sink.begun, 0);
}

TEST_F(DownloadTest, MoreThanIsAllowedIsNotTaken) {
  EXPECT_EQ(of(kHead + kBody, "", 19).outcome, Outcome::refused);
  EXPECT_EQ(sink.begun, 0);
  EXPECT_EQ(of("HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x'), "", 1000).outcome, Outcome::refused);
  EXPECT_LE(sink.bytes.size(), 1000U);
}

TEST_F(DownloadTest, CompressedIsNotTaken) {
  EXPECT_EQ(of(answer(200, "x", "Content-Encoding: gzip\r\n")).outcome, Outcome::again);
  EXPECT_EQ(sink.begun, 0);
  EXPECT_EQ(of(answer(200, "x", "Content-Encoding: Identity\r\n")).outcome, Outcome::complete);
}

TEST_F(DownloadTest, NeverFromHttpsToHttp) {
  mqtt_test::TlsFiles files;
  files.issue("good", "IP:127.0.0.1");
  http::Tls tls;
  tls.ca = files.file("ca.pem");
  context = http::make_context(tls);
  const Server plain(Server::replies([](const Asked&) { return answer(200, "plain"); }));
  const Server safe(Server::replies([&](const Asked& a) {
                      return a.target == "/" ? answer(302, "", "Location: " + plain.url() + "\r\n")
                                             : answer(200, "safe");
                    }),
                    files.file("good.pem"), files.file("good.key"));
  const Downloaded got = get(safe.url());
  EXPECT_EQ(got.outcome, Outcome::again);
  EXPECT_THAT(got.text, testing::HasSubstr("not encrypted: not followed"));
  EXPECT_EQ(plain.connections(), 0);
  EXPECT_EQ(get(safe.url("/x")).outcome, Outcome::complete);
  EXPECT_EQ(sink.bytes, "safe");
}

TEST_F(DownloadTest, OtherSchemesAreNotFollowed) {
  for (const char* to : {"file:///etc/passwd", "ftp://127.0.0.1/", "javascript:x", "//", "http://"}) {
    const Downloaded got = of(answer(302, "", std::string("Location: ") + to + "\r\n"));
    EXPECT_EQ(got.outcome, Outcome::again) << to;
    EXPECT_EQ(sink.begun, 0);
  }
}

TEST_F(DownloadTest, SilenceEndsIt) {
  stall = std::chrono::milliseconds(100);
  const Server server([](Peer& peer, int) {
    if (!peer.read()) return;
    peer.write(kHead + "0123");
    peer.wait_closed();
  });
  const Downloaded got = get(server.url());
  EXPECT_EQ(got.outcome, Outcome::again);
  EXPECT_THAT(got.text, testing::HasSubstr("took too long"));
  EXPECT_EQ(sink.bytes, "0123");
}

TEST_F(DownloadTest, ToldToStopItDoes) {
  const Server server([this](Peer& peer, int) {
    if (!peer.read()) return;
    peer.write(kHead + "0123");
    wake.set();
    peer.wait_closed();
  });
  EXPECT_THROW((void)get(server.url()), http::Broken);
}

}  // namespace
}  // namespace http_test
