// Ed25519 keys and signatures as people write them down.
#pragma once
#include <openssl/evp.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace keys {

struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

// A key, a signature or a file that cannot be used; what() is for people and names it.
struct Unusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A public key. `text`: the base64 of 32 bytes, or of the 44 of a DER file, or the path of a PEM file. Throws Unusable;
// said_in ("upgrade.keys") is where the text stands.
[[nodiscard]] Key read_public(const std::string& text, const std::string& said_in);
// The private key of a PEM file (PKCS #8, as openssl genpkey writes it). Throws Unusable, also when others may read it.
[[nodiscard]] Key read_private(const std::string& path);
// A new private key in a new file of mode 0600, and its public half in path + ".pub". Throws Unusable; an existing file
// is left alone.
void write_pair(const std::string& path);

[[nodiscard]] std::string raw_public(EVP_PKEY* key);  // 32 bytes
// How people tell keys apart: the first 16 hex digits of the SHA-256 of the 32 bytes.
[[nodiscard]] std::string id_of(EVP_PKEY* key);

// 64 bytes, or their base64 with white space around. "" when it is neither.
[[nodiscard]] std::string read_signature(std::string_view text);
[[nodiscard]] std::string to_base64(std::string_view bytes);
[[nodiscard]] std::string to_hex(std::string_view bytes);

[[nodiscard]] bool verifies(EVP_PKEY* key, std::string_view signature, const unsigned char* bytes, size_t length);
[[nodiscard]] std::string sign(EVP_PKEY* key, std::string_view message);  // 64 bytes

}  // namespace keys
