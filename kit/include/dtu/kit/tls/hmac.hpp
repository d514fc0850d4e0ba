// Signatures as clouds ask for them in a login: HMAC of a text, as hexadecimal digits or base64.
//
//   options.password = tls::hex(tls::hmac(tls::Hash::sha256, secret, device + "&" + time));
#pragma once
#include <string>
#include <string_view>

namespace tls {

enum class Hash { md5, sha1, sha256 };

// The bytes of the signature: 16, 20 or 32. Throws dtu::Failure (DTU_E_UNSUPPORTED) where this system's OpenSSL does
// not have the hash: md5 in FIPS mode.
[[nodiscard]] std::string hmac(Hash hash, std::string_view key, std::string_view text);
[[nodiscard]] std::string hex(std::string_view bytes);  // lower case
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace tls
