#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <dtu/kit/tls/session.hpp>
#include <dtu/sdk/text.hpp>

#include "tls/openssl.hpp"
#include "tls/socket_bio.hpp"
#include "tls/words.hpp"

namespace tls {
namespace {

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace

void Session::Free::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }

Session::Session(const Context& context, int fd, bool server) : ssl_(SSL_new(context.get())) {
  BIO* bio = ssl_ ? make_socket_bio(fd) : nullptr;
  if (bio == nullptr) throw dtu::Failure(DTU_E_INTERNAL, "cannot set up TLS: " + take_last_error());
  SSL_set_bio(ssl_.get(), bio, bio);
  if (server)
    SSL_set_accept_state(ssl_.get());
  else
    SSL_set_connect_state(ssl_.get());
}

Session::Session(const Context& context, int fd) : Session(context, fd, true) {}

Session::Session(const Context& context, int fd, const Peer& server) : Session(context, fd, false) {
  host_ = server.host;
  SSL* ssl = ssl_.get();
  const bool address = is_address(host_);
  if (!address) SSL_set_tlsext_host_name(ssl, host_.c_str());
  if (!server.verify) return;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int named =
      address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host_.c_str()) : SSL_set1_host(ssl, host_.c_str());
  if (named != 1) throw dtu::Failure(DTU_E_INTERNAL, "a certificate cannot be checked for the name " + host_);
}

// What a call that did not succeed came to. The queue of errors is that of the thread, so it is emptied before a call.
Step Session::judge(int result) {
  const int system_error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return Step::closed;
    case SSL_ERROR_SYSCALL:
      socket_error_ = system_error != 0 ? system_error : ECONNRESET;
      return Step::failed;
    default:
      break;
  }
  if (!reason_.empty()) return Step::failed;  // the first one counts
  const unsigned long code = ERR_peek_last_error();
  cut_ = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (!cut_) {
    reason_ = take_reason(ssl_.get(), host_);
  } else {
    ERR_clear_error();
    reason_ = agreed_ ? "it closed the connection without a TLS goodbye: the last bytes it sent may be missing"
                      : "it closed the connection during the TLS handshake";
  }
  return Step::failed;
}

Step Session::handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return judge(result);
  agreed_ = true;
  handshake_bytes_ = BIO_number_read(SSL_get_rbio(ssl_.get()));
  return Step::done;
}

Step Session::read(char* to, size_t room, size_t* n) {
  ERR_clear_error();
  errno = 0;
  *n = 0;
  const int result = SSL_read_ex(ssl_.get(), to, room, n);
  return result == 1 ? Step::done : judge(result);
}

Step Session::write(const char* from, size_t size, size_t* n) {
  ERR_clear_error();
  errno = 0;
  *n = 0;
  const int result = SSL_write_ex(ssl_.get(), from, std::min(size, kRecord), n);
  return result == 1 ? Step::done : judge(result);
}

void Session::say_goodbye() {
  if (!agreed_ || !reason_.empty() || socket_error_ != 0) return;
  ERR_clear_error();
  static_cast<void>(SSL_shutdown(ssl_.get()));
  ERR_clear_error();
}

uint64_t Session::wire_bytes() const { return BIO_number_written(SSL_get_wbio(ssl_.get())); }

bool Session::accepted() const {
  const bool judged_within = SSL_is_server(ssl_.get()) == 1 || SSL_version(ssl_.get()) < TLS1_3_VERSION;
  return agreed_ && (judged_within || BIO_number_read(SSL_get_rbio(ssl_.get())) > handshake_bytes_);
}

std::string Session::version() const { return SSL_get_version(ssl_.get()); }

}  // namespace tls
