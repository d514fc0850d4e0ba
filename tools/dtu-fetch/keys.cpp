#include "keys.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>

#include "said.hpp"

namespace dtu_fetch {
namespace {

constexpr size_t kRawKey = 32, kDerKey = 44, kSignature = 64;

// "" when it is none.
std::string from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > 1024) return {};
  std::string out(text.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (n < 0) return {};
  const size_t padding = text.size() - std::min(text.find('='), text.size());
  if (padding > 2) return {};
  out.resize(static_cast<size_t>(n) - padding);
  return out;
}

Key from_pem(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  return Key(file ? PEM_read_PUBKEY(file.get(), nullptr, nullptr, nullptr) : nullptr);
}

}  // namespace

Key read_key(const std::string& text) {
  const std::string bytes = from_base64(text);
  Key key;
  if (bytes.size() == kRawKey) {
    key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                          reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
  } else if (bytes.size() == kDerKey) {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    key.reset(d2i_PUBKEY(nullptr, &at, static_cast<long>(bytes.size())));
  } else {
    key = from_pem(text);
  }
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
    throw Failed{"upgrade.keys: \"" + text + "\" is no Ed25519 public key, nor a PEM file that holds one"};
  return key;
}

std::string read_signature(std::string_view text) {
  if (text.size() == kSignature) return std::string(text);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
  const std::string bytes = from_base64(text);
  return bytes.size() == kSignature ? bytes : "";
}

}  // namespace dtu_fetch
