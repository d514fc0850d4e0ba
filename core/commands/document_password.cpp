#include "commands/document_password.hpp"

#include "commands/password_hash.hpp"
#include "config/json_text.hpp"
#include "config/locate.hpp"
#include "config/secrets.hpp"

namespace dtud::commands {

std::string with_password_hash(std::string text, const std::string& stored, config::Findings& findings) {
  const auto place = config::locate(text, "/password");
  const auto json = config::read_json(text, "", findings);
  const config::Json given = json ? config::as_object(*json)->get("password") : config::Json();
  const std::string password = given.isEmpty() ? "" : config::as_text(given, config::to_json(given));
  if (!place.exact || password.empty() || password == config::kMask || is_password_hash(password)) return text;
  if (is_foreign_hash(password) || password.find('\0') != std::string::npos) {
    findings.push_back({config::Finding::Severity::error, "", "/password", 0, 0,
                        "is a hash of an unsupported kind: give the password, or a hash that dtud made"});
    return text;
  }
  // The value as it stands: a string, or a number, which real files have too.
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

}  // namespace dtud::commands
