#include "commands/password_hash.hpp"

#include <crypt.h>
#include <sys/random.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace dtud::commands {
namespace {

// N = 2^12 ("A"), r = 8 ("6...."), p = 1 ("/...."), as crypt(5) writes the cost of "$7$": 4 MiB, which a module with
// 64 MB has to spare.
constexpr std::string_view kCost = "$7$A6..../....";
constexpr std::string_view kDigits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr size_t kSalt = 22;  // characters: 132 bits
constexpr size_t kHash = 43;

std::string crypted(const std::string& password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();
  const char* hash = ::crypt_r(password.c_str(), setting.c_str(), data.get());
  if (hash == nullptr || hash[0] == '*') throw std::runtime_error("this system has no scrypt hashes");
  return hash;
}

}  // namespace

bool same_text(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.empty() ? '\0' : b[i % b.size()]);
  return difference == 0;
}

bool is_password_hash(std::string_view text) {
  return text.size() == kCost.size() + kSalt + 1 + kHash && text.substr(0, kCost.size()) == kCost &&
         text[kCost.size() + kSalt] == '$' && text.find_first_not_of(kDigits, kCost.size() + kSalt + 1) == text.npos;
}

bool is_foreign_hash(std::string_view text) { return text.substr(0, 3) == "$7$" && !is_password_hash(text); }

std::string hash_password(const std::string& password) {
  std::array<unsigned char, kSalt> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    throw std::runtime_error("the system has no random numbers");
  std::string setting(kCost);
  for (const unsigned char r : random) setting += kDigits[r % kDigits.size()];
  return crypted(password, setting);
}

bool password_matches(const std::string& hash, const std::string& password) {
  if (!is_password_hash(hash) || password.find('\0') != std::string::npos) return false;
  return same_text(hash, crypted(password, hash));
}

}  // namespace dtud::commands
