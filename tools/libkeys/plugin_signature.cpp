#include "keys/plugin_signature.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

#include "keys/file.hpp"

namespace keys {
namespace {

constexpr char kWord[] = "dtukit-plugin-signature-1";
constexpr size_t kMostBytes = 4096, kMostLines = 16, kIdLength = 16;

constexpr std::array<const char*, 4> kNames{"good", "none", "unknown", "bad"};

struct Line {
  std::string key, signature;  // the id, and 64 bytes
  std::string text;
};

bool is_id(const std::string& word) {
  return word.size() == kIdLength && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Every line, or Unusable: a file that is half understood is not understood.
std::vector<Line> read_lines(const std::string& text) {
  if (text.size() > kMostBytes) throw Unusable("it is longer than " + std::to_string(kMostBytes) + " bytes");
  std::vector<Line> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    std::istringstream words(line);
    std::string word, key, base64, more;
    words >> word >> key >> base64;
    const bool whole = word == kWord && is_id(key) && !(words >> more);
    Line read{key, whole ? read_signature(base64) : "", line};
    if (read.signature.empty())
      throw Unusable("line " + std::to_string(lines.size() + 1) + " is not \"" + kWord + " KEY-ID BASE64\"");
    if (lines.size() == kMostLines) throw Unusable("it has more than " + std::to_string(kMostLines) + " signatures");
    lines.push_back(std::move(read));
  }
  if (lines.empty()) throw Unusable("it holds no signature");
  return lines;
}

}  // namespace

const char* name_of(Verdict verdict) { return kNames.at(static_cast<size_t>(verdict)); }

std::string signature_path(const std::string& file) { return file + ".sig"; }

std::string signed_message(const std::string& sha256_hex) { return std::string(kWord) + "\n" + sha256_hex + "\n"; }

std::string signature_line(EVP_PKEY* key, const std::string& sha256_hex) {
  return std::string(kWord) + " " + id_of(key) + " " + to_base64(sign(key, signed_message(sha256_hex))) + "\n";
}

std::string without_key(const std::string& text, const std::string& key_id) {
  std::string out;
  for (const Line& line : read_lines(text))
    if (line.key != key_id) out += line.text + "\n";
  return out;
}

Judgement judge(const std::string& text, const std::string& sha256_hex, const std::vector<Key>& keys) {
  std::vector<Line> lines;
  try {
    lines = read_lines(text);
  } catch (const Unusable& e) {
    return {Verdict::bad, "", std::string("the signature file cannot be used: ") + e.what()};
  }
  const std::string message = signed_message(sha256_hex);
  Judgement judgement{Verdict::unknown, lines.front().key, ""};
  for (const Key& key : keys) {
    const std::string id = id_of(key.get());
    for (const Line& line : lines) {
      if (line.key != id) continue;
      if (verifies(key.get(), line.signature, reinterpret_cast<const unsigned char*>(message.data()), message.size()))
        return {Verdict::good, id, ""};
      judgement = {Verdict::bad, id, "the signature by key " + id + " is wrong: the file or the signature was changed"};
    }
  }
  if (judgement.verdict == Verdict::unknown)
    judgement.text = "it is signed by key " + judgement.key + ", which is not an allowed key";
  return judgement;
}

Judgement judge_file(const std::string& file, const std::string& sha256_hex, const std::vector<Key>& keys) noexcept {
  const std::string path = signature_path(file);
  try {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
      return {Verdict::none, "", "it is not signed: there is no " + path};
    return judge(File(path).text(kMostBytes + 1), sha256_hex, keys);
  } catch (const std::exception& e) {
    return {Verdict::bad, "", e.what()};
  }
}

}  // namespace keys
