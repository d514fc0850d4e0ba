#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <dtu/kit/net/socket.hpp>
#include <dtu/sdk/text.hpp>
#include <memory>
#include <mqtt/diagnosis.hpp>
#include <system_error>

namespace mqtt {
namespace {

constexpr int kWaitMs = 3000;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

std::string errno_words(int code) { return std::system_category().message(code); }

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* p) const noexcept { Free(p); }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freed<SSL, SSL_free>>;

// "" when connected.
std::string connect_tcp(const Socket& socket, const addrinfo& to) {
  if (connect(socket.fd(), to.ai_addr, to.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return errno_words(errno);
  pollfd wait{socket.fd(), POLLOUT, 0};
  if (poll(&wait, 1, kWaitMs) <= 0) return "no answer";
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0 ? std::string() : errno_words(error);
}

std::string last_ssl_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "the other side closed the connection" : text;
}

std::string load_files(SSL_CTX* context, const Tls& tls) {
  if (!tls.ca.empty() && SSL_CTX_load_verify_locations(context, tls.ca.c_str(), nullptr) != 1)
    return "no certificate can be read from tls.ca " + tls.ca + ": it must be a PEM file";
  if (tls.ca.empty()) SSL_CTX_set_default_verify_paths(context);
  if (tls.cert.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, tls.cert.c_str()) != 1)
    return "no certificate can be read from tls.cert " + tls.cert + ": it must be a PEM file";
  const std::string& key = tls.key.empty() ? tls.cert : tls.key;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return "no key for the certificate in tls.cert can be read from " + key +
           ": it must be a PEM file without a password, and match the certificate";
  return {};
}

std::string handshake(const Options& options, const Socket& socket) {
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return "TLS is not available: " + last_ssl_error();
  if (std::string wrong = load_files(context.get(), options.tls); !wrong.empty()) return wrong;
  const Connection tls(SSL_new(context.get()));
  if (!tls) return "TLS is not available: " + last_ssl_error();
  SSL_set_verify(tls.get(), options.tls.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (net::numeric_address(options.host, 0)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), options.host.c_str());
  } else {
    SSL_set_tlsext_host_name(tls.get(), options.host.c_str());
    SSL_set1_host(tls.get(), options.host.c_str());
  }
  SSL_set_fd(tls.get(), socket.fd());
  for (int rounds = 0; rounds < 64; ++rounds) {
    const int rc = SSL_connect(tls.get());
    if (rc == 1) {
      char byte = 0;  // a refusal of our own certificate comes after the handshake of TLS 1.3
      pollfd wait{socket.fd(), POLLIN, 0};
      if (poll(&wait, 1, 200) == 1 && SSL_peek(tls.get(), &byte, 1) <= 0 && ERR_peek_last_error() != 0)
        return "the broker ended the TLS connection: " + last_ssl_error() + " (does it want a client certificate?)";
      return {};
    }
    const int error = SSL_get_error(tls.get(), rc);
    const bool reads = error == SSL_ERROR_WANT_READ;
    if (!reads && error != SSL_ERROR_WANT_WRITE) break;
    pollfd wait{socket.fd(), static_cast<short>(reads ? POLLIN : POLLOUT), 0};
    if (poll(&wait, 1, kWaitMs) <= 0) return "the TLS handshake got no answer: is this a TLS port?";
  }
  const long verdict = SSL_get_verify_result(tls.get());
  if (options.tls.verify && verdict != X509_V_OK)
    return std::string("the broker's certificate is not accepted: ") + X509_verify_cert_error_string(verdict) +
           " (check tls.ca, the host name in url and the clock)";
  return "the TLS handshake failed: " + last_ssl_error();
}

void check_readable(const char* what, const std::string& file) {
  if (!file.empty() && access(file.c_str(), R_OK) != 0)
    throw dtu::Failure(DTU_E_IO, std::string("cannot read ") + what + " " + file + ": " + errno_words(errno));
}

}  // namespace

void check_files(const Tls& tls) {
  check_readable("tls.ca", tls.ca);
  check_readable("tls.cert", tls.cert);
  check_readable("tls.key", tls.key);
}

std::string diagnose(const Options& options, const std::string& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (const int rc = getaddrinfo(address.c_str(), std::to_string(options.port).c_str(), &hints, &list); rc != 0)
    return gai_strerror(rc);
  const std::unique_ptr<addrinfo, Freed<addrinfo, freeaddrinfo>> owner(list);
  const Socket socket(::socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return errno_words(errno);
  if (std::string wrong = connect_tcp(socket, *list); !wrong.empty()) return wrong;
  return options.tls.on ? handshake(options, socket) : std::string();
}

}  // namespace mqtt
