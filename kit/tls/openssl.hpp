// OpenSSL's functions, looked up when TLS is used for the first time: a plugin that can do TLS, and need not, costs
// nothing until then. Loading the library takes half a MiB and some milliseconds.
//
// Inside of namespace tls these names are the functions themselves, also for the macros of OpenSSL's headers.
// need_openssl() comes first; what has a context or a session has called it.
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstddef>

#define DTU_OPENSSL_FUNCTIONS(X)                                                                                      \
  X(BIO_clear_flags)                                                                                                  \
  X(BIO_ctrl)                                                                                                         \
  X(BIO_int_ctrl)                                                                                                     \
  X(BIO_meth_free)                                                                                                    \
  X(BIO_meth_get_create) X(BIO_meth_get_ctrl) X(BIO_meth_get_destroy) X(BIO_meth_get_read) X(BIO_meth_new)            \
      X(BIO_meth_set_create) X(BIO_meth_set_ctrl) X(BIO_meth_set_destroy) X(BIO_meth_set_read) X(BIO_meth_set_write)  \
          X(BIO_new) X(BIO_number_read) X(BIO_number_written) X(BIO_s_socket) X(BIO_set_flags) X(ERR_clear_error)     \
              X(ERR_peek_last_error) X(ERR_reason_error_string) X(SSL_CTX_check_private_key) X(SSL_CTX_ctrl)          \
                  X(SSL_CTX_free) X(SSL_CTX_load_verify_locations) X(SSL_CTX_new) X(SSL_CTX_set_client_CA_list)       \
                      X(SSL_CTX_set_default_passwd_cb) X(SSL_CTX_set_default_verify_paths) X(SSL_CTX_set_num_tickets) \
                          X(SSL_CTX_set_options) X(SSL_CTX_set_verify) X(SSL_CTX_use_PrivateKey_file)                 \
                              X(SSL_CTX_use_certificate_chain_file) X(SSL_ctrl) X(SSL_do_handshake) X(SSL_free)       \
                                  X(SSL_get0_param) X(SSL_get_error) X(SSL_get_rbio) X(SSL_get_verify_result)         \
                                      X(SSL_get_version) X(SSL_get_wbio) X(SSL_is_server) X(SSL_load_client_CA_file)  \
                                          X(SSL_new) X(SSL_read_ex) X(SSL_set1_host) X(SSL_set_accept_state)          \
                                              X(SSL_set_bio) X(SSL_set_connect_state) X(SSL_set_hostflags)            \
                                                  X(SSL_shutdown) X(SSL_version) X(SSL_write_ex) X(TLS_client_method) \
                                                      X(TLS_server_method) X(X509_VERIFY_PARAM_set1_ip_asc)           \
                                                          X(X509_verify_cert_error_string)

namespace tls {

// Throws dtu::Failure (DTU_E_UNSUPPORTED) when this system has no OpenSSL of the release that was built with. Reads
// files when it is called for the first time. [any]
void need_openssl();

enum class OpenSsl : size_t {
#define DTU_OPENSSL_ENTRY(name) name##_,
  DTU_OPENSSL_FUNCTIONS(DTU_OPENSSL_ENTRY)
#undef DTU_OPENSSL_ENTRY
      size_
};

// Where it is in memory, once need_openssl() has returned.
[[nodiscard]] void* openssl_function(OpenSsl which);

template <OpenSsl which, typename Fn>
struct OpenSslCall;
template <OpenSsl which, typename Result, typename... Args>
struct OpenSslCall<which, Result (*)(Args...)> {
  Result operator()(Args... args) const {
    return reinterpret_cast<Result (*)(Args...)>(openssl_function(which))(args...);
  }
};

// NOLINTNEXTLINE(bugprone-macro-parentheses): it declares the name
#define DTU_OPENSSL_CALL(name) inline constexpr OpenSslCall<OpenSsl::name##_, decltype(&::name)> name{};
DTU_OPENSSL_FUNCTIONS(DTU_OPENSSL_CALL)
#undef DTU_OPENSSL_CALL

}  // namespace tls
