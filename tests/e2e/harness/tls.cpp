#include "tls.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "process.hpp"

namespace e2e {

TlsFiles::TlsFiles() {
  const Ran made =
      run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
           "30", "-subj", "/CN=alone", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key(), "-out", cert()});
  EXPECT_EQ(made.status, 0) << made.output;
}

TlsPeer::TlsPeer(TcpPeer peer, const TlsFiles& files)
    : peer_(std::move(peer)), context_(SSL_CTX_new(TLS_server_method())) {
  const timeval deadline{60, 0};
  const int flags = ::fcntl(peer_.fd(), F_GETFL);
  EXPECT_EQ(::fcntl(peer_.fd(), F_SETFL, flags & ~O_NONBLOCK), 0);
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    EXPECT_EQ(::setsockopt(peer_.fd(), SOL_SOCKET, option, &deadline, sizeof deadline), 0);
  EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context_.get(), files.cert().c_str()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_.get(), files.key().c_str(), SSL_FILETYPE_PEM), 1);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), peer_.fd());
  EXPECT_EQ(SSL_accept(ssl_.get()), 1);
}

bool TlsPeer::write(const std::string& bytes) {
  return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
}

std::string TlsPeer::read(size_t bytes) {
  std::string all(bytes, '\0');
  for (size_t at = 0; at < bytes;) {
    const int n = SSL_read(ssl_.get(), &all[at], static_cast<int>(bytes - at));
    if (n <= 0) return {};
    at += static_cast<size_t>(n);
  }
  return all;
}

MqttPacket TlsPeer::packet() {
  const std::string head = read(1);
  size_t length = 0;
  for (int shift = 0; shift < 28; shift += 7) {
    const std::string digit = read(1);
    if (head.empty() || digit.empty()) return {};
    length |= (static_cast<uint8_t>(digit[0]) & 0x7FU) << shift;
    if ((digit[0] & 0x80) == 0) break;
  }
  const std::string body = read(length);
  if (body.size() != length) return {};
  return {static_cast<uint8_t>(head[0]), body};
}

}  // namespace e2e
