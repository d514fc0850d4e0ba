#include "words.hpp"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "call.hpp"

namespace sim::modem {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// What stands behind a backslash; `at` is on the character there and ends on the last one used.
char escaped(std::string_view line, size_t& at) {
  constexpr std::string_view kNames = "rnt\\\"";
  constexpr std::string_view kMeanings = "\r\n\t\\\"";
  if (const size_t index = kNames.find(line[at]); index != std::string_view::npos) return kMeanings[index];
  if (line[at] == 'x' && at + 2 < line.size()) {
    const auto high = hex_digit(line[at + 1]);
    const auto low = hex_digit(line[at + 2]);
    at += 2;
    if (high && low) return static_cast<char>(*high << 4U | *low);
  }
  throw ScriptError("a \\ inside quotes is followed by something else than r, n, t, \\, \" or xHH");
}

}  // namespace

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  for (size_t i = 0; i < line.size();) {
    if (is_blank(line[i])) {
      ++i;
      continue;
    }
    if (line[i] == '#') break;
    std::string word;
    if (line[i] != '"') {
      while (i < line.size() && !is_blank(line[i])) word += line[i++];
    } else {
      for (++i; i < line.size() && line[i] != '"'; ++i) {
        if (line[i] == '\\' && i + 1 < line.size())
          word += escaped(line, ++i);
        else
          word += line[i];
      }
      if (i >= line.size()) throw ScriptError("a \" has no second one on its line");
      ++i;
    }
    words.push_back(std::move(word));
  }
  return words;
}

void Words::fail(std::string_view word, std::string_view allowed) {
  constexpr size_t kShown = 60;
  const std::string shown = word.empty() ? "the line ends here" : "\"" + std::string(word.substr(0, kShown)) + "\"";
  throw ScriptError(shown + ": " + std::string(allowed) + " is needed");
}

std::string Words::text(std::string_view what) {
  if (!more()) fail("", what);
  return words_[next_++];
}

int64_t Words::number(std::string_view what, int64_t least, int64_t most) {
  const std::string range = std::string(what) + " from " + std::to_string(least) + " to " + std::to_string(most);
  const std::string word = text(range);
  int64_t out = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  if (error != std::errc{} || end != word.data() + word.size() || out < least || out > most) fail(word, range);
  return out;
}

double Words::decimal(std::string_view what, double least, double most) {
  const std::string word = text(what);
  char* end = nullptr;
  const double out = std::strtod(word.c_str(), &end);
  if (end != word.c_str() + word.size() || !std::isfinite(out) || out < least || out > most) fail(word, what);
  return out;
}

int64_t Words::seconds_as_ms(std::string_view what) {
  constexpr double kMost = 1e6;
  constexpr double kMs = 1000;
  return std::llround(decimal(std::string(what) + ", 0 to 1000000 seconds,", 0, kMost) * kMs);
}

std::string Words::one_of(std::initializer_list<std::string_view> allowed) {
  std::string list;
  for (const std::string_view each : allowed) list += (list.empty() ? "one of " : ", ") + std::string(each);
  std::string word = text(list);
  for (const std::string_view each : allowed)
    if (word == each) return word;
  fail(word, list);
}

std::string Words::command() {
  std::string word = text("a command such as AT+CSQ, with * at its end for all that begin so,");
  if (word != "*" && upper(word).rfind("AT", 0) != 0)
    fail(word, "a command such as AT+CSQ, with * at its end for all that begin so,");
  return word;
}

std::string Words::hex(std::string_view what) {
  std::string word = upper(text(what));
  if (word.empty() || word.size() % 2 != 0) fail(word, what);
  for (const char c : word)
    if (!hex_digit(c)) fail(word, what);
  return word;
}

bool Words::take(std::string_view word) {
  if (!next_is(word)) return false;
  ++next_;
  return true;
}

void Words::end() const {
  if (more()) throw ScriptError("\"" + words_[next_] + "\": nothing may follow here");
}

}  // namespace sim::modem
