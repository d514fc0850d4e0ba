// The server over TLS: whom it lets in, and that nobody who does not finish his handshake keeps others out.
#include <gtest/gtest.h>

#include "served.hpp"
#include "tls_remote.hpp"

namespace channel_tcp::test {
namespace {

class TlsServer : public TcpServer {
 protected:
  void listen_tls(const std::string& more = "", const std::string& extra = "") {
    listen(R"("tls": {"cert": ")" + files.make("server") + "\"" + more + "}" + extra);
  }
  [[nodiscard]] std::string demanding() const { return R"(, "ca": ")" + files.ca() + "\""; }
  std::unique_ptr<TlsRemote> client(const TlsSetup& setup, int receive_buffer = 0) {
    return std::make_unique<TlsRemote>(Remote::connect(port, receive_buffer), TlsRemote::Role::client, setup);
  }
  // A client that is served.
  std::unique_ptr<TlsRemote> join_tls(const TlsSetup& setup, int receive_buffer = 0) {
    auto c = client(setup, receive_buffer);
    const size_t n = ++joined;
    EXPECT_TRUE(host.run_until([&] {
      c->agree();
      return health(*inst, "connects") == std::to_string(n);
    }));
    return c;
  }
  // The handshake fails; what the log says.
  bool refused(TlsRemote& c, const std::string& why) {
    return host.run_until([&] {
      if (!c.agree()) c.read();
      return host.metric("tcp_failed_handshakes") == 1;
    }) && host.logged(why);
  }

  const Certificates files;
};

TEST_F(TlsServer, ServesSeveralClients) {
  listen_tls();
  auto a = join_tls({"", files.ca(), 0}), b = join_tls({"", files.ca(), TLS1_2_VERSION});
  a->write("from a");
  b->write("from b");
  inst->send({{"all "}, to(2, "two")});
  EXPECT_TRUE(host.run_until([&] {
    a->read();
    b->read();
    return a->received == "all " && b->received == "all two" && host.emitted_bytes(1) == "from a" &&
           host.emitted_bytes(2) == "from b" && inst->open_tokens() == 0;
  }));
  EXPECT_EQ(completed(host, DTU_OK), 2U);
}

TEST_F(TlsServer, DemandsCertificatesWhenItHasACa) {
  listen_tls(demanding());
  const auto known = join_tls({files.make("device"), files.ca(), 0});
  known->write("in");
  EXPECT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "in"; }));
}

TEST_F(TlsServer, RefusesAClientWithoutACertificate) {
  listen_tls(demanding());
  const auto c = client({"", files.ca(), 0});
  EXPECT_TRUE(refused(*c, "failed: it sent no certificate of its own, which tls.ca demands"));
  EXPECT_EQ(health(*inst, "connects"), "0");
}

TEST_F(TlsServer, RefusesACertificateOfAnUnknownCa) {
  listen_tls(demanding());
  const auto c = client({files.make("stranger", {"DNS:x", 60, true}), files.ca(), 0});
  EXPECT_TRUE(refused(*c, "failed: its certificate is signed by nobody that this device trusts"));
}

TEST_F(TlsServer, RefusesAnExpiredCertificate) {
  listen_tls(demanding());
  const auto c = client({files.make("late", {"DNS:x", -60, false}), files.ca(), 0});
  EXPECT_TRUE(refused(*c, "failed: its certificate has expired"));
}

TEST_F(TlsServer, RefusesOldVersions) {
  listen_tls();
  const auto c = client({"", "", TLS1_VERSION});
  EXPECT_TRUE(refused(*c, "failed: it offers only TLS versions before 1.2"));
}

TEST_F(TlsServer, SaysThatAClientSpeaksNoTls) {
  for (const char* words : {"GET / HTTP/1.1\r\n\r\n", "$GPGGA,092750.000", "hello, is anybody there?\n"}) {
    TestHost other;
    Instance server = other.create(component(), server_config(R"("tls": {"cert": ")" + files.make("server") + "\"}"));
    server.start();
    ASSERT_TRUE(other.run_until([&] { return other.state(server) == DTU_STATE_UP; }));
    Remote plain = Remote::connect(listen_port(server));
    plain.write_all(std::string(words) + std::string(16, ' '));
    EXPECT_TRUE(other.run_until([&] { return other.metric("tcp_failed_handshakes") == 1; })) << words;
    EXPECT_TRUE(other.logged("it does not speak TLS")) << words;
  }
}

TEST_F(TlsServer, SaysThatAClientLeftInTheMiddle) {
  listen_tls();
  Remote half = Remote::connect(port);
  half.write_all(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));  // the begin of a hello
  host.run_for(20ms);
  half.close();
  EXPECT_TRUE(host.run_until([&] { return host.metric("tcp_failed_handshakes") == 1; }));
  EXPECT_TRUE(host.logged("it closed the connection during the TLS handshake"));
}

TEST_F(TlsServer, GivesAClientTenSeconds) {
  listen_tls();
  Remote silent = Remote::connect(port);
  host.run_for(20ms);
  host.use_fake_clock();
  host.advance(11s);
  EXPECT_TRUE(ends(silent));
  EXPECT_TRUE(host.logged("it did not finish the TLS handshake within 10 s"));
}

TEST_F(TlsServer, WhoConnectsAndSaysNothingKeepsNobodyOut) {
  listen_tls("", R"(, "max_clients": 1)");
  std::vector<Remote> silent;
  silent.reserve(40);
  for (int i = 0; i < 40; ++i) {
    silent.push_back(Remote::connect(port));
    if (i < 16) continue;
    ASSERT_TRUE(host.run_until([&] { return host.metric("tcp_failed_handshakes") == i - 15; })) << "16 wait";
  }
  const auto c = join_tls({"", files.ca(), 0});
  c->write("in");
  EXPECT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "in"; }));
  EXPECT_EQ(host.metric("tcp_refused_clients"), 0);
}

TEST_F(TlsServer, KicksNobodyForAClientThatMayNotComeIn) {
  listen_tls(demanding(), R"(, "max_clients": 1, "when_full": "kick-old")");
  const auto inside = join_tls({files.make("device"), files.ca(), 0});
  const auto stranger = client({"", files.ca(), 0});
  EXPECT_TRUE(refused(*stranger, "it sent no certificate"));
  EXPECT_EQ(host.metric("tcp_kicked_clients"), 0);
  const auto fresh = join_tls({files.make("device"), files.ca(), 0});
  EXPECT_EQ(host.metric("tcp_kicked_clients"), 1);
  EXPECT_TRUE(host.run_until([&] {
    inside->read();
    return inside->said_goodbye();
  }));
}

// D18, as with the client.
TEST_F(TlsServer, DeliversOnlyWhatTheClientsTcpAcknowledged) {
  listen_tls("", R"(, "when_empty": "hold")");
  const auto c = join_tls({"", files.ca(), 0}, 4096);
  ASSERT_EQ(inst->send({{"ok"}}).taken, 1U);
  ASSERT_TRUE(host.run_until([&] { return completed(host, DTU_OK) == 1; }));
  ASSERT_EQ(inst->send({{pattern(300000)}, {"tail"}}).taken, 2U);
  host.run_for(200ms);
  EXPECT_EQ(completed(host, DTU_OK), 1U);
  c->socket().reset();
  ASSERT_TRUE(host.run_until([&] { return inst->open_tokens() == 0; }));
  EXPECT_EQ(completed(host, DTU_OK), 1U);
}

TEST_F(TlsServer, UsesARenewedCertificateWithoutARestart) {
  listen_tls();
  static_cast<void>(join_tls({"", files.ca(), 0}));
  static_cast<void>(files.make("server", {"IP:127.0.0.1", 60, true}));  // that of another CA
  host.use_fake_clock();
  host.advance(61s);
  static_cast<void>(join_tls({"", files.ca(), 0}));  // still the old one; the files are read now
  const auto refuses = [&] {
    const auto c = client({"", files.ca(), 0});
    host.run_until([&] { return c->agree() || c->failed(); });
    return c->failed();
  };
  EXPECT_TRUE(host.run_until(refuses));
}

TEST_F(TlsServer, SaysWhichFileCannotBeUsedAndTriesAgain) {
  Instance lost = host.create(
      component(),
      server_config(R"("reconnect": {"min_ms": 10, "max_ms": 20}, "tls": {"cert": ")" + files.path("late") + "\"}"));
  lost.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(lost) == DTU_STATE_DOWN; }));
  EXPECT_TRUE(reported(host, lost, DTU_STATE_DOWN, "tls.cert " + files.path("late") + " cannot be used"));
  static_cast<void>(files.make("late"));
  EXPECT_TRUE(host.run_until([&] { return host.state(lost) == DTU_STATE_UP; }));
}

}  // namespace
}  // namespace channel_tcp::test
