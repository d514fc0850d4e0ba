#include "tls_remote.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <csignal>

namespace channel_tcp::test {

TlsRemote::TlsRemote(Remote remote, Role role, const TlsSetup& setup)
    : remote_(std::move(remote)), context_(SSL_CTX_new(TLS_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
  std::signal(SIGPIPE, SIG_IGN);  // this end writes as OpenSSL does by itself
  SSL_CTX* c = context_.get();
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (setup.newest != 0) {
    SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(c, setup.newest);
    SSL_CTX_set_cipher_list(c, "ALL:@SECLEVEL=0");
  }
  if (!setup.own.empty()) {
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(c, setup.own.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(c, setup.own.c_str(), SSL_FILETYPE_PEM), 1);
  }
  if (!setup.ca.empty()) {
    EXPECT_EQ(SSL_CTX_load_verify_locations(c, setup.ca.c_str(), nullptr), 1);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  ssl_.reset(SSL_new(c));
  SSL_set_fd(ssl_.get(), remote_.fd());
  if (role == Role::client)
    SSL_set_connect_state(ssl_.get());
  else
    SSL_set_accept_state(ssl_.get());
}

bool TlsRemote::waits(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
  goodbye_ = goodbye_ || error == SSL_ERROR_ZERO_RETURN;
  failed_ = failed_ || error != SSL_ERROR_ZERO_RETURN;
  return false;
}

bool TlsRemote::agree() {
  if (failed_) return false;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return true;
  static_cast<void>(waits(result));
  return false;
}

void TlsRemote::read(size_t most) {
  std::string buffer(16384, '\0');
  while (!failed_ && !goodbye_ && most > 0) {
    ERR_clear_error();
    size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), std::min(most, buffer.size()), &n);
    if (result != 1) {
      static_cast<void>(waits(result));
      return;
    }
    received.append(buffer, 0, n);
    most -= n;
  }
}

size_t TlsRemote::write(std::string_view bytes) {
  size_t all = 0;
  while (!failed_ && all < bytes.size()) {
    ERR_clear_error();
    size_t n = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data() + all, bytes.size() - all, &n);
    if (result != 1) {
      static_cast<void>(waits(result));
      break;
    }
    all += n;
  }
  return all;
}

}  // namespace channel_tcp::test
