#include "call.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sim::modem {
namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::vector<std::string> split_arguments(std::string_view text) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

// +NAME, +NAME?, +NAME=?, +NAME=arguments
Call parse_extended(std::string_view text) {
  Call call;
  const size_t end = std::min(text.find_first_of("=?"), text.size());
  call.name = upper(text.substr(0, end));
  const std::string_view rest = text.substr(end);
  if (rest.empty()) return call;
  if (rest == "?") {
    call.form = Form::read;
  } else if (rest == "=?") {
    call.form = Form::test;
  } else {
    call.form = Form::set;
    call.arguments = split_arguments(rest.substr(1));
  }
  return call;
}

// E0, &D2, I: a letter and its number, right behind each other. Takes them off the text.
std::optional<Call> parse_basic(std::string_view& text) {
  const size_t letter = text[0] == '&' ? 1 : 0;
  if (letter >= text.size() || !is_letter(text[letter])) return std::nullopt;
  Call call;
  call.name = upper(text.substr(0, letter + 1));
  size_t end = letter + 1;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end > letter + 1) call.arguments.emplace_back(text.substr(letter + 1, end - letter - 1));
  if (end < text.size() && text[end] == '?') {
    call.form = Form::read;
    ++end;
  }
  text.remove_prefix(end);
  return call;
}

}  // namespace

std::string_view until_semicolon(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == ';' && !quoted) return text.substr(0, i);
  }
  return text;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

const std::string& Call::text(size_t index) const {
  static const std::string none;
  return index < arguments.size() ? arguments[index] : none;
}

std::optional<int> Call::number(size_t index, int least, int most, std::optional<int> otherwise) const {
  const std::string& value = text(index);
  if (value.empty()) return otherwise;
  int out = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error != std::errc{} || end != value.data() + value.size() || out < least || out > most) return std::nullopt;
  return out;
}

std::optional<std::vector<Call>> parse_line(std::string_view line) {
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  if (line.size() < 2 || upper(line.substr(0, 2)) != "AT") return std::nullopt;
  line.remove_prefix(2);
  std::vector<Call> calls;
  while (!line.empty()) {
    if (line[0] == ';' || line[0] == ' ') {
      line.remove_prefix(1);
    } else if (line[0] == '+') {
      const std::string_view command = until_semicolon(line);
      calls.push_back(parse_extended(command));
      line.remove_prefix(command.size());
    } else if (auto call = parse_basic(line)) {
      calls.push_back(*std::move(call));
    } else {
      return std::nullopt;
    }
  }
  return calls;
}

}  // namespace sim::modem
