#include "channel-mqtt/tls_files.hpp"
#include "fixture.hpp"

namespace http_test {
namespace {

class TlsTest : public ClientTest {
 protected:
  mqtt_test::TlsFiles files;
  [[nodiscard]] Server::Script script() const {
    return Server::replies([](const Asked& a) { return answer(200, "secret " + a.target); });
  }
  std::unique_ptr<Server> server_with(const std::string& name) {
    return std::make_unique<Server>(script(), files.file(name + ".pem"), files.file(name + ".key"));
  }
  void trust(const std::string& ca, bool verify = true) {
    http::Tls tls;
    tls.ca = ca.empty() ? "" : files.file(ca);
    tls.verify = verify;
    make(tls);
  }
  void expect_refused(const Server& server, const std::string& why) {
    const Answer a = get(server.url());
    EXPECT_EQ(a.trouble, Trouble::failed);
    EXPECT_THAT(a.text, HasSubstr(why));
    EXPECT_EQ(a.body, "");
  }
};

TEST_F(TlsTest, RightCertificate) {
  files.issue("good", "IP:127.0.0.1");
  const auto server = server_with("good");
  trust("ca.pem");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(server->url("/x")).body, "secret /x");
  EXPECT_EQ(server->connections(), 1);
  const std::string much(60000, 'x');
  EXPECT_EQ(ask(request(server->url("/y"), "POST", much)).body, "secret /y");
}

TEST_F(TlsTest, WrongCertificatesAreRefusedInWords) {
  files.issue("other", "DNS:other.example");
  files.issue("old", "IP:127.0.0.1", true);
  files.issue("good", "IP:127.0.0.1");
  trust("ca.pem");
  expect_refused(*server_with("other"), "certificate is not accepted: IP address mismatch");
  expect_refused(*server_with("old"), "certificate is not accepted: certificate has expired");
  expect_refused(*server_with("selfsigned"), "certificate is not accepted: self-signed");
  trust("");
  expect_refused(*server_with("good"), "certificate is not accepted: unable to get local issuer");
  trust("nowhere.pem");
  expect_refused(*server_with("good"), "tls.ca " + files.file("nowhere.pem") + " cannot be used");
}

TEST_F(TlsTest, TheNameIsChecked) {
  files.issue("named", "DNS:localhost");
  const auto server = server_with("named");
  trust("ca.pem");
  EXPECT_EQ(get("https://localhost:" + std::to_string(server->port()) + "/n").body, "secret /n");
  expect_refused(*server, "IP address mismatch");
}

TEST_F(TlsTest, NotVerifiedWhenToldSo) {
  const auto server = server_with("selfsigned");
  trust("", false);
  EXPECT_EQ(get(server->url("/x")).body, "secret /x");
}

TEST_F(TlsTest, PlainServerBehindHttps) {
  Server plain([](Peer& peer, int) { peer.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  const Answer a = get("https://127.0.0.1:" + std::to_string(plain.port()));
  EXPECT_EQ(a.trouble, Trouble::failed);
  EXPECT_THAT(a.text, HasSubstr("TLS handshake"));
}

TEST_F(TlsTest, SilentHandshakeHasTheDeadline) {
  Server silent([](Peer& peer, int) { peer.wait_closed(); });
  auto r = request("https://127.0.0.1:" + std::to_string(silent.port()));
  r.timeout_ms = 3000;  // reading the system's certificates takes its part of it
  EXPECT_THAT(ask(r).text,
              HasSubstr("the TLS handshake with 127.0.0.1:" + std::to_string(silent.port()) + " took too long"));
}

TEST_F(TlsTest, NeverFromHttpsToHttp) {
  files.issue("good", "IP:127.0.0.1");
  Server plain(Server::replies([](const Asked&) { return answer(200, "in the clear"); }));
  Server secure(Server::replies([&](const Asked&) { return answer(302, "", "Location: " + plain.url() + "\r\n"); }),
                files.file("good.pem"), files.file("good.key"));
  trust("ca.pem");
  const Answer a = get(secure.url());
  EXPECT_EQ(a.trouble, Trouble::redirect);
  EXPECT_THAT(a.text, HasSubstr("not encrypted"));
  EXPECT_EQ(plain.connections(), 0);
}

TEST_F(TlsTest, CutOffWithoutGoodbyeIsNoAnswer) {
  files.issue("good", "IP:127.0.0.1");
  Server server(
      [](Peer& peer, int) {
        if (peer.read() && peer.write("HTTP/1.1 200 OK\r\n\r\nhalf of it")) peer.reset();
      },
      files.file("good.pem"), files.file("good.key"));
  trust("ca.pem");
  Server& s = server;
  const Answer a = get(s.url());
  // SSL_shutdown() of the server may arrive before its RST: then the body was ended as TLS wants it.
  EXPECT_TRUE(a.trouble != Trouble::none || a.body == "half of it") << a.text;
}

}  // namespace
}  // namespace http_test
