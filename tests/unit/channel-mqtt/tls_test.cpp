// TLS: what is accepted, and what is refused in which words.
#include "fixture.hpp"
#include "tls_files.hpp"

namespace mqtt_test {
namespace {

class TlsTest : public MqttTest {
 protected:
  TlsFiles files;

  Mosquitto broker_with(const std::string& cert, const std::string& more = "") const {
    return Mosquitto("allow_anonymous true\ncertfile " + files.file(cert + ".pem") + "\nkeyfile " +
                     files.file(cert + ".key") + "\n" + more);
  }
  std::string trusting(const std::string& ca, const std::string& more = "") const {
    return R"("tls": {"ca": ")" + files.file(ca) + "\"" + (more.empty() ? "" : ", " + more) + "}";
  }
  void expect_refused(int port, const std::string& more, const std::string& words) {
    Instance i = make(conf(port, more));
    ASSERT_TRUE(i) << i.error();
    i.start();
    ASSERT_TRUE(wait_state(i, DTU_STATE_DOWN)) << trouble();
    EXPECT_NE(host.reports().back().text.find(words), std::string::npos) << trouble();
    EXPECT_TRUE(i.stop_and_wait());
    for (const auto& r : host.reports()) EXPECT_NE(r.state, DTU_STATE_UP);
  }
};

TEST_F(TlsTest, RightCaWorksBothWays) {
  files.issue("server", "IP:127.0.0.1");
  Mosquitto broker = broker_with("server");
  broker.start();
  Instance i = up(conf(broker.port(), trusting("ca.pem") + R"(, "subscribe": {"0": "up"}, "qos": 1)"));
  std::vector<Message> messages;
  for (int n = 0; n < 200; ++n) messages.push_back({std::to_string(n), ""});
  ASSERT_EQ(send_all(i, messages), 200U);
  ASSERT_TRUE(wait([&] { return host.emitted().size() == 200; }));
  for (size_t n = 0; n < 200; ++n) EXPECT_EQ(host.emitted()[n].payload, std::to_string(n));
  EXPECT_NE(i.health().find(R"("verify":true)"), std::string::npos);
}

TEST_F(TlsTest, HostNameIsChecked) {
  files.issue("named", "DNS:localhost");
  Mosquitto broker = broker_with("named");
  broker.start();
  Instance by_name = up(conf(broker.port(), trusting("ca.pem") + R"(, "url": "mqtts://localhost")"));
  ASSERT_TRUE(by_name.stop_and_wait());
  host.clear();
  expect_refused(broker.port(), trusting("ca.pem"), "certificate is not accepted: IP address mismatch");
}

TEST_F(TlsTest, WrongNameIsRefused) {
  files.issue("other", "DNS:broker.example");
  Mosquitto broker = broker_with("other");
  broker.start();
  expect_refused(broker.port(), trusting("ca.pem") + R"(, "url": "localhost")",
                 "certificate is not accepted: hostname mismatch");
}

TEST_F(TlsTest, SelfSignedIsRefused) {
  Mosquitto broker = broker_with("selfsigned");
  broker.start();
  expect_refused(broker.port(), trusting("ca.pem"), "certificate is not accepted: self-signed certificate");
}

TEST_F(TlsTest, ExpiredIsRefused) {
  files.issue("old", "IP:127.0.0.1", true);
  Mosquitto broker = broker_with("old");
  broker.start();
  expect_refused(broker.port(), trusting("ca.pem"), "certificate is not accepted: certificate has expired");
}

TEST_F(TlsTest, UnknownCaIsRefused) {
  files.issue("server", "IP:127.0.0.1");
  Mosquitto broker = broker_with("server");
  broker.start();
  expect_refused(broker.port(), R"("tls": true)", "certificate is not accepted: unable to get local issuer");
}

TEST_F(TlsTest, MissingCaFileIsNamed) {
  files.issue("server", "IP:127.0.0.1");
  Mosquitto broker = broker_with("server");
  broker.start();
  expect_refused(broker.port(), trusting("nowhere.pem"), "cannot read tls.ca " + files.file("nowhere.pem"));
  write_file(files.file("empty.pem"), "");
  host.clear();
  expect_refused(broker.port(), trusting("empty.pem"), "no certificate can be read from tls.ca");
}

TEST_F(TlsTest, VerifyFalseTakesAnybodyAndSaysSo) {
  Mosquitto broker = broker_with("selfsigned");
  broker.start();
  Instance i = up(conf(broker.port(), R"("tls": {"verify": false})"));
  EXPECT_TRUE(host.logged("tls.verify is false"));
  EXPECT_NE(i.health().find("insecure"), std::string::npos) << i.health();
}

TEST_F(TlsTest, ClientCertificateIsShown) {
  files.issue("server", "IP:127.0.0.1");
  files.issue("device", "DNS:device");
  Mosquitto broker = broker_with("server", "cafile " + files.file("ca.pem") + "\nrequire_certificate true\n");
  broker.start();
  Instance i = up(conf(broker.port(), trusting("ca.pem", R"("cert": ")" + files.file("device.pem") + R"(", "key": ")" +
                                                             files.file("device.key") + "\"")));
  ASSERT_TRUE(i.stop_and_wait());
  host.clear();
  expect_refused(broker.port(), trusting("ca.pem"), "does it want a client certificate?");
}

TEST_F(TlsTest, PlainPortIsSaid) {
  Mosquitto broker;
  broker.start();
  expect_refused(broker.port(), trusting("ca.pem"), "TLS handshake");
}

}  // namespace
}  // namespace mqtt_test
