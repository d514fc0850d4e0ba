// What went wrong in TLS, as a sentence on the other end with what to do.
#pragma once
#include <openssl/ssl.h>

#include <string>

namespace tls {

// Of OpenSSL's queue of errors, which is empty then: "unknown CA".
[[nodiscard]] std::string take_last_error();

// After SSL_ERROR_SSL. host: the name that the certificate has to be for; "" at a server.
[[nodiscard]] std::string take_reason(const SSL* ssl, const std::string& host);

}  // namespace tls
