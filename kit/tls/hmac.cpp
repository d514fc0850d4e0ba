#include <dtu/kit/tls/hmac.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <dtu/sdk/text.hpp>

namespace tls {
namespace {

const EVP_MD* of(Hash hash) {
  switch (hash) {
    case Hash::md5:
      return EVP_md5();
    case Hash::sha1:
      return EVP_sha1();
    case Hash::sha256:
      break;
  }
  return EVP_sha256();
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

std::string hmac(Hash hash, std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int length = 0;
  // A null key would mean "the key before".
  const char* key_bytes = key.empty() ? "" : key.data();
  if (HMAC(of(hash), key_bytes, static_cast<int>(key.size()), bytes_of(text), text.size(), out.data(), &length) ==
      nullptr)
    throw dtu::Failure(DTU_E_UNSUPPORTED, "OpenSSL on this system does not have the hash that the login needs");
  return {reinterpret_cast<const char*>(out.data()), length};
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    (out += digits[byte >> 4U]) += digits[byte & 0xFU];
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // and the NUL that OpenSSL writes
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(length));
  return out;
}

}  // namespace tls
