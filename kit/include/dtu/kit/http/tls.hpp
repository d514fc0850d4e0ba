// What our side of TLS is made of. A context belongs to one client: nothing here is global.
#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include <dtu/kit/http/message.hpp>

namespace http {

struct Free {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Ssl = std::unique_ptr<SSL, Free>;
using SslContext = std::unique_ptr<SSL_CTX, Free>;

// TLS 1.2 or newer, the certificate checked unless told otherwise. Throws Broken that names the file it cannot use.
[[nodiscard]] SslContext make_context(const Tls& tls);
// For one connection over `fd` to `host`, whose name or address the certificate must bear.
[[nodiscard]] Ssl make_session(SSL_CTX* context, int fd, const std::string& host, bool verify);
// Why an operation of `ssl` failed: the certificate, or what OpenSSL says.
[[nodiscard]] std::string reason(const SSL* ssl);

}  // namespace http
