// OpenSSL's way to a socket that does not wait and raises no SIGPIPE.
#pragma once
#include <openssl/bio.h>

namespace tls {

// The caller owns it until it gives it to an SSL, and it does not close fd. Null: no memory.
[[nodiscard]] BIO* make_socket_bio(int fd);

}  // namespace tls
