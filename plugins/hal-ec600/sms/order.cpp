#include "order.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <array>

namespace hal_ec600::sms {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kFailed = "failed:";  // behind the name, in an answer
constexpr size_t kLongestName = 64, kLongestPassword = 64, kMostDigits = 3, kMostHexDigits = 4;
constexpr std::array<std::string_view, 7> kNotArguments{"cmd_code", "code",     "password", "Password",
                                                        "msg_id",   "topic_id", "data"};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_digits(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

// All commands have names of several parts, so that "hello" is a text and not a command that there is not.
bool is_name(std::string_view word) {
  if (word.size() > kLongestName || word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") != word.npos)
    return false;
  const size_t dot = word.find('.');
  return dot != word.npos && dot != 0 && word.back() != '.' && word.find("..") == word.npos;
}

// 7, "7" or "0x07"; -1: none of these.
int64_t code_in(const dtu::Json& value) {
  std::string text(value.raw());
  if (!text.empty() && text.front() == '"') text = value.text();
  const bool hex = text.rfind("0x", 0) == 0 || text.rfind("0X", 0) == 0;
  const char* begin = text.data() + (hex ? 2 : 0);
  const char* end = text.data() + text.size();
  int64_t code = -1;
  const auto read = std::from_chars(begin, end, code, hex ? 16 : 10);
  return begin != end && read.ec == std::errc() && read.ptr == end && code >= 0 ? code : -1;
}

bool is_object(std::string_view json) { return !json.empty() && json.front() == '{'; }

std::string arguments_of(const dtu::Json& given) {
  const dtu::Json data = given["data"];
  if (is_object(data.raw())) return std::string(data.raw());
  if (!data.raw().empty() && data.raw().front() == '"')
    if (const std::string inner = data.text(); is_object(trimmed(inner))) return std::string(dtu::Json(inner).raw());
  std::string members;
  given.each([&](std::string_view key, const dtu::Json& value) {
    if (std::find(kNotArguments.begin(), kNotArguments.end(), key) != kNotArguments.end()) return;
    members.append(members.empty() ? "" : ",").append(dtu::quoted(key)).append(":").append(value.raw());
  });
  return members.empty() ? "" : "{" + members + "}";
}

// What answer() writes, in either form: another device sent it.
bool is_answer(const dtu::Json& given) {
  bool data = false, status = false;
  given.each([&](std::string_view key, const dtu::Json&) {
    data = data || key == "data";
    status = status || key == "status";
  });
  return data && status;
}

std::optional<Order> from_json(std::string_view text) {
  const dtu::Json given(text);
  if (is_answer(given)) return std::nullopt;
  Order order;
  order.json = true;
  dtu::Json password = given["password"];
  if (!password.exists()) password = given["Password"];
  if (!password.exists() && is_object(given["data"].raw())) password = given["data"]["password"];
  if (password.exists()) order.password = password.raw().front() == '"' ? password.text() : std::string(password.raw());
  dtu::Json code = given["cmd_code"];
  if (!code.exists() && order.password) code = given["code"];
  order.code = code.exists() ? code_in(code) : -1;
  if (order.code < 0) return std::nullopt;
  order.shown_code = code.raw();
  const dtu::Json id = given["msg_id"];
  constexpr size_t kLongestId = 64;
  if (id.raw().size() <= kLongestId && !is_object(id.raw())) order.msg_id = id.raw();
  order.args = arguments_of(given);
  return order;
}

std::string lower(std::string_view word) {
  std::string out(word);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// 16 or 0x10; -1: none of these.
int64_t code_of(std::string_view word) {
  const bool hex = word.size() > 2 && word.substr(0, 2) == "0x";
  if (!hex && (!is_digits(word) || word.size() > kMostDigits)) return -1;
  if (hex && (word.size() > 2 + kMostHexDigits || word.find_first_not_of("0123456789abcdef", 2) != word.npos))
    return -1;
  int64_t code = -1;
  std::from_chars(word.data() + (hex ? 2 : 0), word.data() + word.size(), code, hex ? 16 : 10);
  return code;
}

// Whoever writes such a first word means a command, even if there is no such code or name.
bool looks_like_an_order(std::string_view word) {
  if (word.empty() || word.back() == ':') return false;  // "radio.csq: 20" is the answer of another device
  const bool hex = word.size() > 2 && word.substr(0, 2) == "0x";
  if (is_digits(word) || hex || word.front() == '{') return true;
  const size_t dot = word.find('.');
  return dot != word.npos && dot != 0 && dot + 1 < word.size() && word[dot + 1] != '.';
}

struct Line {
  std::string first;  // in small letters
  std::string_view rest;
};

Line line_of(std::string_view text) {
  const size_t end = std::min(text.find_first_of(kBlank), text.size());
  return {lower(text.substr(0, end)), trimmed(text.substr(end))};
}

bool is_answer(std::string_view text) try {
  const std::string_view rest = line_of(text).rest;
  return rest.substr(0, kFailed.size()) == kFailed || (text.front() == '{' && is_answer(dtu::Json(text)));
} catch (const dtu::Failure&) {
  return false;  // it looks like JSON and is not
}

std::optional<Order> from_line(std::string_view text) {
  auto [first, rest] = line_of(text);
  Order order;
  order.code = code_of(first);
  if (order.code < 0 && !is_name(first)) return std::nullopt;
  if (order.code < 0) order.name = std::move(first);
  if (!rest.empty() && rest.front() != '{') {
    const size_t word = std::min(rest.find_first_of(kBlank), rest.size());
    if (word > kLongestPassword) return std::nullopt;
    order.password = std::string(rest.substr(0, word));
    rest = trimmed(rest.substr(word));
  }
  if (rest.empty()) return order;
  if (!is_object(rest)) return std::nullopt;
  order.args = dtu::Json(rest).raw();
  return order;
}

std::string answer(const Order& order, const std::string& members, const std::string& line) {
  if (!order.json) return cut_to((order.name.empty() ? std::to_string(order.code) : order.name) + line, kMostAnswer);
  const std::string id = order.msg_id.empty() ? "" : "\"msg_id\":" + order.msg_id + ",";
  return cut_to("{" + id + "\"cmd_code\":" + order.shown_code + "," + members + "}", kMostAnswer);
}

}  // namespace

std::optional<Order> order_in(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  try {
    return text.front() == '{' ? from_json(text) : from_line(text);
  } catch (const dtu::Failure&) {
    return std::nullopt;  // it looks like JSON and is not
  }
}

std::optional<Botched> botched_in(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || is_answer(text) || order_in(text)) return std::nullopt;
  if (text.front() == '{')
    return Botched{"{", R"(cannot be read: send {"cmd_code": 7, "password": "...", "data": {}})"};
  auto [word, rest] = line_of(text);
  if (!looks_like_an_order(word)) return std::nullopt;
  const bool known_form = code_of(word) >= 0 || is_name(word);
  word = cut_to(word, kLongestName);
  return Botched{std::move(word), known_form ? "cannot be read: send NAME PASSWORD {\"argument\": 1}"
                                             : "is neither the name nor the code of a command"};
}

std::string done(const Order& order, std::string_view json) {
  const std::string value(json.empty() ? "null" : json);
  return answer(order, "\"data\":" + value + ",\"status\":1", json.empty() ? ": done" : ": " + value);
}

std::string failed(const Order& order, std::string_view error) {
  return answer(order, "\"data\":null,\"status\":0,\"error\":" + dtu::quoted(error),
                " " + std::string(kFailed) + " " + std::string(error));
}

std::string cut_to(std::string text, size_t most) {
  size_t characters = 0, last = 0;  // where the last character that fits beside the mark begins
  for (size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<uint8_t>(text[at]) & 0xC0U) == 0x80U) continue;
    if (++characters == most) last = at;
    if (characters <= most) continue;
    text.resize(last);
    return text += "\xE2\x80\xA6";
  }
  return text;
}

}  // namespace hal_ec600::sms
