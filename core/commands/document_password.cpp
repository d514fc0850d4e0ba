#include "commands/document_password.hpp"

#include <algorithm>
#include <exception>

#include "commands/password_hash.hpp"
#include "config/json_text.hpp"
#include "config/locate.hpp"
#include "config/secrets.hpp"

namespace dtud::commands {
namespace {

constexpr size_t kLongest = 128;  // characters, as the schema of the document has it

// The password to make a hash of; "": there is none, or the schema of the document refuses it. What a list or an object
// holds is no password: its hash would be one that nobody knows the password of.
std::string plain_password(const config::Json& given) {
  if (given.isEmpty() || config::as_object(given) != nullptr || config::as_list(given) != nullptr) return "";
  const std::string text = config::as_text(given, config::to_json(given));
  const auto characters =
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  const bool blank = text.find_first_not_of(' ') == std::string::npos;  // which counts as not given
  return blank || static_cast<size_t>(characters) > kLongest ? "" : text;
}

}  // namespace

std::string with_password_hash(std::string text, const std::string& stored, config::Findings& findings) {
  const size_t begin = text.size() - config::without_bom(text).size();
  auto place = config::locate(config::without_bom(text), "/password");
  place.value += begin;
  const auto json = config::read_json(text, "", findings);
  const config::Json given = json ? config::as_object(*json)->get("password") : config::Json();
  const std::string password = plain_password(given);
  const std::string whole = config::as_text(given);
  if (!whole.empty() && whole.find_first_not_of(' ') == std::string::npos)
    findings.push_back({config::Finding::Severity::error, "", "/password", 0, 0,
                        "blanks are no password: give a text that is not empty, or \"\" for no password"});
  if (!place.exact || password.empty() || password == config::kMask || is_password_hash(password)) return text;
  if (is_foreign_hash(password) || password.find('\0') != std::string::npos) {
    findings.push_back({config::Finding::Severity::error, "", "/password", 0, 0,
                        "is a hash of an unsupported kind: give the password, or a hash that dtud made"});
    return text;
  }
  // The value as it stands: a string, or a number or a word, which real files have too.
  size_t end = place.value + 1;
  if (text[place.value] == '"') {
    while (text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    ++end;
  } else {
    end = text.find_first_of(",} \t\r\n", place.value);
  }
  const bool same = is_password_hash(stored) && password_matches(stored, password);
  const std::string hash = same ? stored : hash_password(password);
  return text.replace(place.value, end - place.value, config::to_json(config::Json(hash)));
}

HashedDocument hash_in_document(const std::string& text, const std::string& stored) {
  HashedDocument out;
  try {
    out.text = with_password_hash(text, stored, out.findings);
  } catch (const std::exception& e) {
    out.text = text;
    out.problem = e.what();
  }
  return out;
}

}  // namespace dtud::commands
