#include "secret_words.hpp"

#include <string>

namespace command_dtu {
namespace {

constexpr std::string_view command_word = "cmd_code", password_word = "password";
constexpr std::string_view wide_colon = "\xEF\xBC\x9A";  // as the documents print it here and there
constexpr std::string_view blanks = " \t\r\n";

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_word(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }
constexpr bool is_quote(char c) { return c == '"' || c == '\''; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

// The text without NULs and backslashes, with what \u escapes of ASCII mean. scratch holds it if that is another text.
std::string_view plain(std::string_view text, std::string& scratch) {
  if (text.find_first_of(std::string_view("\\\0", 2)) == std::string_view::npos) return text;
  scratch.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      const size_t behind = std::min(text.find_first_not_of('\\', i), text.size());
      int value = behind + 4 < text.size() && lower(text[behind]) == 'u' ? 0 : -1;
      for (size_t digit = 1; digit <= 4 && value >= 0; ++digit) {
        const int more = hex_value(text[behind + digit]);
        value = more < 0 ? -1 : value * 16 + more;
      }
      if (value > 0) scratch += value < 0x80 ? static_cast<char>(value) : '?';
      i = value >= 0 ? behind + 4 : behind - 1;
    } else if (text[i] != '\0') {
      scratch += text[i];
    }
  }
  return scratch;
}

size_t find_word(std::string_view text, std::string_view word, size_t from = 0) {
  for (size_t at = from; at + word.size() <= text.size(); ++at) {
    size_t same = 0;
    while (same < word.size() && lower(text[at + same]) == word[same]) ++same;
    if (same == word.size()) return at;
  }
  return std::string_view::npos;
}

// The word at `at` is a name, `end` is behind it.
bool is_name(std::string_view text, size_t at, size_t end, bool within_object) {
  while (at > 0 && is_word(text[at - 1])) --at;
  while (end < text.size() && is_word(text[end])) ++end;
  const bool quoted = end < text.size() && is_quote(text[end]);
  const size_t next = text.find_first_not_of(blanks, end + (quoted ? 1 : 0));
  if (within_object && quoted) return true;
  if (next == std::string_view::npos) return false;
  const bool colon = text[next] == ':' || text.substr(next, wide_colon.size()) == wide_colon;
  return within_object ? !is_letter(text[next]) : quoted && colon;
}

bool password_in(std::string_view text, bool within_object) {
  const size_t brace = within_object ? 0 : text.find('{');
  for (size_t at = find_word(text, password_word); at != std::string_view::npos;
       at = find_word(text, password_word, at + password_word.size()))
    if (is_name(text, at, at + password_word.size(), brace <= at)) return true;
  return false;
}

}  // namespace

bool names_command(std::string_view text) {
  std::string scratch;
  return find_word(plain(text, scratch), command_word) != std::string_view::npos;
}

bool has_password_word(std::string_view text) {
  std::string scratch;
  return find_word(plain(text, scratch), password_word) != std::string_view::npos;
}

bool names_password(std::string_view text, bool within_object) {
  std::string scratch;
  return password_in(plain(text, scratch), within_object);
}

bool has_secret(std::string_view text, bool within_object) {
  std::string scratch;
  const std::string_view words = plain(text, scratch);
  return find_word(words, command_word) != std::string_view::npos || password_in(words, within_object);
}

bool is_password_name(std::string_view name) {
  const size_t begin = name.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return false;
  name = name.substr(begin, name.find_last_not_of(blanks) + 1 - begin);
  constexpr std::string_view of_51 = "new_";
  if (name.size() == of_51.size() + password_word.size() && find_word(name, of_51) == 0)
    name.remove_prefix(of_51.size());
  return name.size() == password_word.size() && find_word(name, password_word) == 0;
}

}  // namespace command_dtu
