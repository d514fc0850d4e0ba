// The detached signature of a plugin file: FILE.sig beside FILE. docs/formats/plugin-signature.md is the format.
#pragma once
#include <string>
#include <vector>

#include "keys/ed25519.hpp"

namespace keys {

enum class Verdict {
  good,     // one of the keys signed this file
  none,     // there is no FILE.sig
  unknown,  // it is signed, but by none of the keys
  bad,      // one of the keys is named, and its signature does not fit the file; or FILE.sig is no signature file
};
[[nodiscard]] const char* name_of(Verdict verdict);

struct Judgement {
  Verdict verdict = Verdict::none;
  std::string key;   // id of the key it is about; "" where there is none
  std::string text;  // why it is not good, for people; "" when it is
};

[[nodiscard]] std::string signature_path(const std::string& file);  // FILE.sig
// What is signed: says what it is for, so that a signature given for something else is worth nothing here.
[[nodiscard]] std::string signed_message(const std::string& sha256_hex);

// One line of a signature file.
[[nodiscard]] std::string signature_line(EVP_PKEY* key, const std::string& sha256_hex);
// The lines of `text`, without those by `key`; for adding a signature to what is there. Throws Unusable.
[[nodiscard]] std::string without_key(const std::string& text, const std::string& key_id);

// `text`: what FILE.sig holds.
[[nodiscard]] Judgement judge(const std::string& text, const std::string& sha256_hex, const std::vector<Key>& keys);
// Reads FILE.sig; when there is none, or it cannot be read, the judgement says so. Throws nothing.
[[nodiscard]] Judgement judge_file(const std::string& file, const std::string& sha256_hex,
                                   const std::vector<Key>& keys) noexcept;

}  // namespace keys
