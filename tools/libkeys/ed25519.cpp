#include "keys/ed25519.hpp"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace keys {
namespace {

constexpr size_t kRawKey = 32, kDerKey = 44, kSignature = 64;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
using Context = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

[[noreturn]] void fail(const std::string& what) {
  throw Unusable(what + ": " + std::generic_category().message(errno));
}

// "" when it is none.
std::string from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > 1024) return {};
  std::string out(text.size() / 4 * 3, '\0');
  const int n =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text), static_cast<int>(text.size()));
  if (n < 0) return {};
  const size_t padding = text.size() - std::min(text.find('='), text.size());
  if (padding > 2) return {};
  out.resize(static_cast<size_t>(n) - padding);
  return out;
}

bool is_ed25519(const Key& key) { return key && EVP_PKEY_get_id(key.get()) == EVP_PKEY_ED25519; }

Key from_pem(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"), std::fclose);
  return Key(file ? PEM_read_PUBKEY(file.get(), nullptr, nullptr, nullptr) : nullptr);
}

Key make_key() {
  const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr),
                                                                       EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 || EVP_PKEY_keygen(context.get(), &key) != 1)
    throw Unusable("OpenSSL cannot create an Ed25519 key");
  return Key(key);
}

// A file that was not there before, on disk when this returns.
template <typename Write>
void write_new(const std::string& path, mode_t mode, Write write) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST) throw Unusable(path + " exists already: name another file");
  if (fd < 0) fail("cannot write " + path);
  const File file(::fdopen(fd, "w"), std::fclose);
  if (!file) {
    ::close(fd);
    fail("cannot write " + path);
  }
  if (write(file.get()) != 1 || std::fflush(file.get()) != 0 || ::fsync(fd) != 0) {
    ::unlink(path.c_str());
    fail("cannot write " + path);
  }
}

}  // namespace

Key read_public(const std::string& text, const std::string& said_in) {
  const std::string bytes = from_base64(text);
  Key key;
  if (bytes.size() == kRawKey) {
    key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes), bytes.size()));
  } else if (bytes.size() == kDerKey) {
    const auto* at = bytes_of(bytes);
    key.reset(d2i_PUBKEY(nullptr, &at, static_cast<long>(bytes.size())));
  } else {
    key = from_pem(text);
  }
  if (!is_ed25519(key))
    throw Unusable(said_in + ": \"" + text + "\" is neither an Ed25519 public key nor a PEM file with one");
  return key;
}

Key read_private(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"), std::fclose);
  struct stat info {};
  if (!file || ::fstat(::fileno(file.get()), &info) != 0) fail("cannot read the key " + path);
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw Unusable("the private key " + path + " may be read by others: chmod 600 " + path);
  Key key(PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr));
  if (!is_ed25519(key)) throw Unusable(path + " has no Ed25519 private key: create one with dtu-sign keygen");
  return key;
}

void write_pair(const std::string& path) {
  const Key key = make_key();
  if (::access((path + ".pub").c_str(), F_OK) == 0) throw Unusable(path + ".pub exists already: name another file");
  write_new(path, 0600, [&](std::FILE* to) {
    return PEM_write_PKCS8PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  write_new(path + ".pub", 0644, [&](std::FILE* to) { return PEM_write_PUBKEY(to, key.get()); });
}

std::string raw_public(EVP_PKEY* key) {
  std::string raw(kRawKey, '\0');
  size_t length = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &length) != 1 || length != kRawKey)
    throw Unusable("OpenSSL does not give the bytes of a key");
  return raw;
}

std::string id_of(EVP_PKEY* key) {
  const std::string raw = raw_public(key);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(bytes_of(raw), raw.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return to_hex(digest).substr(0, 16);
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

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int n =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += "0123456789abcdef"[byte >> 4U];
    hex += "0123456789abcdef"[byte & 15U];
  }
  return hex;
}

bool verifies(EVP_PKEY* key, std::string_view signature, const unsigned char* bytes, size_t length) {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes, length) == 1;
}

std::string sign(EVP_PKEY* key, std::string_view message) {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::string signature(kSignature, '\0');
  size_t length = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, bytes_of(message),
                     message.size()) != 1)
    throw Unusable("OpenSSL does not sign with this key");
  signature.resize(length);
  return signature;
}

}  // namespace keys
