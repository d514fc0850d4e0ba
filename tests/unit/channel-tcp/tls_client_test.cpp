// The client over TLS: whom it accepts, what it says of those it does not, and when a message is delivered.
#include <gtest/gtest.h>

#include <ostream>

#include "tls_remote.hpp"

namespace channel_tcp::test {
namespace {

std::string tls(const std::string& members) {
  return R"("reconnect": {"min_ms": 10, "max_ms": 20}, "tls": {)" + members + "}";
}

// A client, and a server on TLS, not yet agreed.
class TlsClient : public testing::Test {
 protected:
  // setup: of the server. more: of the client's tls.
  void connect(const TlsSetup& setup, const std::string& more = "", int receive_buffer = 0) {
    listener = std::make_unique<Listener>(receive_buffer);
    inst = std::make_unique<Instance>(
        host.create(component(), client_config(listener->port(), tls(R"("ca": ")" + files.ca() + "\"" + more))));
    ASSERT_TRUE(*inst) << inst->error();
    inst->start();
    accept(setup);
  }
  void accept(const TlsSetup& setup) {
    std::unique_ptr<Remote> r;
    ASSERT_TRUE(host.run_until([&] { return (r = listener->accept()) != nullptr; }));
    server = std::make_unique<TlsRemote>(std::move(*r), TlsRemote::Role::server, setup);
  }
  void agree(const TlsSetup& setup, const std::string& more = "", int receive_buffer = 0) {
    connect(setup, more, receive_buffer);
    bool agreed = false;
    ASSERT_TRUE(host.run_until([&] {
      agreed = agreed || server->agree();
      return agreed && host.state(*inst) == DTU_STATE_UP;
    }));
  }
  // The client gives up this connection; what it says then.
  std::string refusal() {
    const bool down = host.run_until([&] {
      if (server) server->agree();
      return !host.reports().empty() && host.reports().back().state == DTU_STATE_DOWN;
    });
    EXPECT_TRUE(down);
    return down ? host.reports().back().text : "";
  }
  TlsSetup good() { return {files.make("server"), "", 0}; }

  const Certificates files;
  TestHost host;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Instance> inst;
  std::unique_ptr<TlsRemote> server;
};

TEST_F(TlsClient, CarriesBytesBothWays) {
  agree(good());
  server->write("down");
  ASSERT_EQ(inst->send({{"up "}, {""}, {"again"}}).taken, 3U);
  EXPECT_TRUE(host.run_until([&] {
    server->read();
    return server->received == "up again" && host.emitted_bytes() == "down" && inst->open_tokens() == 0;
  }));
  EXPECT_EQ(completed(host, DTU_OK), 3U);
  EXPECT_NE(inst->health().find(R"("tls":"TLSv1.3")"), std::string::npos) << inst->health();
  EXPECT_EQ(peer_health(*inst, 0, "sent_bytes"), 8U) << "of the messages, not of TLS";
}

TEST_F(TlsClient, SpeaksTls12) {
  agree({files.make("server"), "", TLS1_2_VERSION});
  EXPECT_NE(inst->health().find(R"("tls":"TLSv1.2")"), std::string::npos) << inst->health();
  inst->send({{"up"}});
  EXPECT_TRUE(host.run_until([&] {
    server->read();
    return server->received == "up" && inst->open_tokens() == 0;
  }));
}

TEST_F(TlsClient, RefusesAnExpiredCertificate) {
  connect({files.make("server", {"IP:127.0.0.1", -60, false}), "", 0});
  const std::string said = refusal();
  EXPECT_NE(said.find("the TLS handshake with 127.0.0.1:"), std::string::npos) << said;
  EXPECT_NE(said.find("its certificate has expired, or the clock of this device is wrong"), std::string::npos) << said;
  EXPECT_GE(host.metric("tcp_failed_handshakes"), 1);
}

TEST_F(TlsClient, RefusesACertificateForAnotherName) {
  connect({files.make("server", {"DNS:other.example,IP:127.0.0.2", 60, false}), "", 0});
  EXPECT_NE(refusal().find("its certificate is not for 127.0.0.1"), std::string::npos);
}

TEST_F(TlsClient, RefusesACertificateOfAnUnknownCa) {
  connect({files.make("server", {"IP:127.0.0.1", 60, true}), "", 0});
  EXPECT_NE(refusal().find("signed by nobody that this device trusts: name the CA's file in tls.ca"),
            std::string::npos);
}

TEST_F(TlsClient, TakesAnyCertificateWithoutVerifyAndSaysSo) {
  agree({files.make("server", {"DNS:other.example", -60, true}), "", 0}, R"(, "verify": false)");
  EXPECT_TRUE(host.logged("certificate checking is off"));
  EXPECT_NE(health(*inst, "warning"), "");
}

TEST_F(TlsClient, RefusesAServerThatHasOldVersionsOnly) {
  connect({files.make("server"), "", TLS1_1_VERSION});
  EXPECT_NE(refusal().find("it refuses the TLS versions that this device offers"), std::string::npos);
}

TEST_F(TlsClient, SaysThatAServerSpeaksNoTls) {
  connect({});
  server->socket().write_all("220 mail.example ready\r\n");
  std::unique_ptr<TlsRemote> open = std::move(server);
  EXPECT_NE(refusal().find("it does not speak TLS"), std::string::npos);
}

TEST_F(TlsClient, GivesTheHandshakeTenSeconds) {
  connect({});
  std::unique_ptr<TlsRemote> silent = std::move(server);
  ASSERT_TRUE(host.run_until([&] { return health(*inst, "dtu_state") == "2"; }));
  host.run_for(20ms);  // it is connected, and has sent its hello
  host.use_fake_clock();
  host.advance(9s);
  EXPECT_TRUE(host.reports().empty());
  host.advance(1100ms);
  EXPECT_NE(refusal().find("it did not finish the TLS handshake within 10 s"), std::string::npos);
}

TEST_F(TlsClient, SaysThatAServerClosedDuringTheHandshake) {
  connect({});
  ASSERT_TRUE(host.run_until([&] {
    server->socket().read();
    return !server->socket().received.empty();
  }));
  server.reset();
  EXPECT_NE(refusal().find("it closed the connection during the TLS handshake"), std::string::npos);
}

TEST_F(TlsClient, TellsAGoodbyeFromACut) {
  agree(good());
  server->write("last words");
  server->say_goodbye();
  EXPECT_NE(refusal().find("closed by the server 127.0.0.1:"), std::string::npos);
  EXPECT_EQ(host.emitted_bytes(), "last words");
  host.clear();
  accept(good());
  bool agreed = false;
  ASSERT_TRUE(host.run_until([&] {
    agreed = agreed || server->agree();
    return agreed && host.state(*inst) == DTU_STATE_UP;
  }));
  server->write("and more");
  server.reset();
  EXPECT_NE(refusal().find("it closed the connection without a TLS goodbye"), std::string::npos);
  EXPECT_EQ(host.emitted_bytes(), "and more");
}

TEST_F(TlsClient, SaysGoodbye) {
  agree(good());
  ASSERT_TRUE(inst->stop_and_wait());
  EXPECT_TRUE(host.run_until([&] {
    server->read();
    return server->said_goodbye();
  }));
}

// A TLS 1.3 server says so only after the client's handshake is done: no message is to blame for the end.
TEST_F(TlsClient, SaysThatTheServerDemandsACertificate) {
  connect({files.make("server"), files.ca(), 0});
  host.run_until([&] {
    server->agree();
    return host.state(*inst) == DTU_STATE_UP;
  });
  inst->send({{"kept"}});
  EXPECT_NE(refusal().find("it demands a certificate of this device: give tls.cert and tls.key"), std::string::npos);
  EXPECT_EQ(completed(host, DTU_E_REFUSED), 0U);
}

TEST_F(TlsClient, ShowsItsCertificate) {
  agree({files.make("server"), files.ca(), 0}, R"(, "cert": ")" + files.make("device") + "\"");
  inst->send({{"up"}});
  EXPECT_TRUE(host.run_until([&] {
    server->read();
    return server->received == "up";
  }));
}

TEST_F(TlsClient, SaysWhichFileCannotBeUsed) {
  Instance lost = host.create(component(), client_config(1, R"("tls": {"ca": ")" + files.path("gone.pem") + "\"}"));
  lost.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(lost) == DTU_STATE_DOWN; }));
  EXPECT_TRUE(reported(host, lost, DTU_STATE_DOWN, "tls.ca " + files.path("gone.pem") + " cannot be used"));
}

// D18. Each message is a record of its own; of TLS 1.3 it has 22 bytes more than the message. The server's TCP takes
// some of them, and the rest waits: exactly those whose whole record was acknowledged are delivered.
TEST_F(TlsClient, IsCompleteOnlyWhenItsRecordIsAcknowledged) {
  agree(good(), "", 4096);
  constexpr size_t kMessage = 1000, kRecord = kMessage + 22, kMessages = 64;
  for (size_t i = 0; i < kMessages; ++i) ASSERT_EQ(inst->send({{pattern(kMessage)}}).taken, 1U);
  // TCP may move some more bytes meanwhile, but acknowledges no more than the server has room for.
  const auto acknowledged_records = [&] {
    return kMessages - (peer_health(*inst, 0, "unacknowledged_bytes") + kRecord - 1) / kRecord;
  };
  ASSERT_TRUE(host.run_until([&] {
    EXPECT_LE(completed(host, DTU_OK), acknowledged_records());
    return completed(host, DTU_OK) > 0 && completed(host, DTU_OK) == acknowledged_records();
  }));
  EXPECT_LT(completed(host, DTU_OK), kMessages) << "the server took all: its buffer is too large for this test";
  EXPECT_TRUE(host.run_until([&] {
    server->read();
    return inst->open_tokens() == 0;
  }));
  EXPECT_EQ(server->received.size(), kMessages * kMessage);
}

TEST_F(TlsClient, FourMebibytesBothWaysAtOnceAreUnchanged) {
  agree(good(), "", 16384);
  const std::string up = pattern(4U << 20U, 21), down = pattern(4U << 20U, 22);
  size_t up_at = 0, down_at = 0;
  std::string got;
  uint32_t turn = 0, sends = 0;
  ASSERT_TRUE(host.run_until(
      [&] {
        down_at += server->write(std::string_view(down).substr(down_at));
        // Of all sizes: several in a record, and several records for one.
        while (up_at < up.size()) {
          const std::string piece = up.substr(up_at, ++sends % 3 == 0 ? 50000 : 1 + sends % 700);
          if (inst->send({{piece}}).status != DTU_OK) break;
          up_at += piece.size();
        }
        server->read(300000);
        if (++turn % 2 == 0) host.block_emit_after(1 + turn % 7);
        got += host.emitted_bytes();
        host.clear();
        return got.size() == down.size() && server->received.size() == up.size() && inst->open_tokens() == 0;
      },
      60s));
  EXPECT_TRUE(got == down);
  EXPECT_TRUE(server->received == up);
}

}  // namespace
}  // namespace channel_tcp::test
