// Ed25519 public keys and signatures as people write them down.
#pragma once
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace dtu_fetch {

struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

// `text`: the base64 of 32 bytes, or of the 44 of a DER file, or the path of a PEM file. Throws Failed when it is none.
[[nodiscard]] Key read_key(const std::string& text);
// 64 bytes, or their base64 with white space around. "" when it is neither.
[[nodiscard]] std::string read_signature(std::string_view text);

}  // namespace dtu_fetch
