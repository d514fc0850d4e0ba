#include <dtu/kit/http/tls.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

#include "tls/readable.hpp"

namespace http {
namespace {

std::string last_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "unknown reason" : text;
}

void need(bool good, const char* key, const std::string& file) {
  if (!good) throw Broken(Trouble::failed, std::string(key) + " " + file + " cannot be used: " + last_error());
}

// Before OpenSSL opens it: a pipe in the place of a file would hold up whoever reads it for ever.
void need_file(const char* key, const std::string& file) {
  if (const std::string why = tls::why_unreadable(file); !why.empty())
    throw Broken(Trouble::failed, std::string(key) + " " + file + " cannot be used: it " + why);
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace

SslContext make_context(const Tls& tls) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) throw Broken(Trouble::failed, "cannot set up TLS: " + last_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), tls.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (tls.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else {
    need_file("tls.ca", tls.ca);
    need(SSL_CTX_load_verify_locations(context.get(), tls.ca.c_str(), nullptr) == 1, "tls.ca", tls.ca);
  }
  if (tls.cert.empty()) return context;
  need_file("tls.cert", tls.cert);
  need(SSL_CTX_use_certificate_chain_file(context.get(), tls.cert.c_str()) == 1, "tls.cert", tls.cert);
  const std::string& key = tls.key.empty() ? tls.cert : tls.key;
  need_file("tls.key", key);
  need(SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) == 1, "tls.key", key);
  return context;
}

Ssl make_session(SSL_CTX* context, int fd, const std::string& host, bool verify) {
  Ssl ssl(SSL_new(context));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) throw Broken(Trouble::failed, "cannot set up TLS: " + last_error());
  const bool address = is_address(host);
  if (!address) SSL_set_tlsext_host_name(ssl.get(), host.c_str());
  if (!verify) return ssl;
  SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int named = address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str())
                            : SSL_set1_host(ssl.get(), host.c_str());
  if (named != 1) throw Broken(Trouble::failed, "the certificate cannot be checked for the name " + host);
  return ssl;
}

std::string reason(const SSL* ssl) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0)
    return std::string("its certificate is not accepted: ") + X509_verify_cert_error_string(verdict);
  return last_error();
}

}  // namespace http
