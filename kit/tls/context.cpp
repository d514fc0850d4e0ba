#include <dtu/kit/tls/session.hpp>
#include <dtu/sdk/text.hpp>

#include "tls/openssl.hpp"
#include "tls/readable.hpp"
#include "tls/words.hpp"

namespace tls {
namespace {

void need(bool good, const char* key, const std::string& file) {
  if (!good) throw dtu::Failure(DTU_E_IO, std::string(key) + " " + file + " cannot be used: " + take_last_error());
}

// Before OpenSSL opens it: a pipe in the place of a file would hold up whoever reads it for ever.
void need_file(const char* key, const std::string& file) {
  if (const std::string why = why_unreadable(file); !why.empty())
    throw dtu::Failure(DTU_E_IO, std::string(key) + " " + file + " cannot be used: it " + why);
}

// Never asks a terminal for the password of a key.
int no_password(char* /*to*/, int /*size*/, int /*writes*/, void* /*ctx*/) { return 0; }

Context make(const SSL_METHOD* method) {
  ERR_clear_error();
  Context context(SSL_CTX_new(method), [](SSL_CTX* c) { SSL_CTX_free(c); });
  if (!context) throw dtu::Failure(DTU_E_INTERNAL, "cannot set up TLS: " + take_last_error());
  SSL_CTX* c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(c, no_password);
  return context;
}

void use_own(SSL_CTX* c, const Settings& s) {
  if (s.cert.empty()) return;
  need_file("tls.cert", s.cert);
  need(SSL_CTX_use_certificate_chain_file(c, s.cert.c_str()) == 1, "tls.cert", s.cert);
  const std::string& key = s.key.empty() ? s.cert : s.key;
  need_file("tls.key", key);
  need(SSL_CTX_use_PrivateKey_file(c, key.c_str(), SSL_FILETYPE_PEM) == 1, "tls.key", key);
  need(SSL_CTX_check_private_key(c) == 1, "tls.key", key);
}

}  // namespace

Context make_client_context(const Settings& settings) {
  need_openssl();
  Context context = make(TLS_client_method());
  SSL_CTX* c = context.get();
  SSL_CTX_set_verify(c, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!settings.ca.empty()) {
    need_file("tls.ca", settings.ca);
    need(SSL_CTX_load_verify_locations(c, settings.ca.c_str(), nullptr) == 1, "tls.ca", settings.ca);
  } else if (settings.verify) {
    SSL_CTX_set_default_verify_paths(c);
  }
  use_own(c, settings);
  return context;
}

Context make_server_context(const Settings& settings) {
  need_openssl();
  Context context = make(TLS_server_method());
  SSL_CTX* c = context.get();
  // Without resumption a client shows its certificate on each connection.
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(c, 0);
  use_own(c, settings);
  if (settings.ca.empty()) return context;
  need_file("tls.ca", settings.ca);
  need(SSL_CTX_load_verify_locations(c, settings.ca.c_str(), nullptr) == 1, "tls.ca", settings.ca);
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(settings.ca.c_str());
  need(names != nullptr, "tls.ca", settings.ca);
  SSL_CTX_set_client_CA_list(c, names);  // takes it
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

}  // namespace tls
