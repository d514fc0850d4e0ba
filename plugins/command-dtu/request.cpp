#include "request.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "json_view.hpp"
#include "loose_json.hpp"
#include "status_codes.hpp"
#include "text_codec.hpp"

namespace command_dtu {
namespace {

constexpr size_t echo_max = 64;  // bytes of a msg_id or a cmd_code that are repeated in an answer

// Members that say what is asked; everything else at the top level is a parameter (D3).
enum Slot : size_t { msg_id, cmd_code, code, data, password, password_capital, topic_id, status, success, slots };
constexpr std::array<std::string_view, slots> slot_names{"msg_id",   "cmd_code", "code",   "data",   "password",
                                                         "Password", "topic_id", "status", "success"};

void refuse(Request& request, int error_code, std::string error) {
  if (request.error_code != 0) return;
  request.error_code = error_code;
  request.error = std::move(error);
}

std::string shown(std::string_view text) {
  return text.size() <= echo_max ? std::string(text) : std::string(text.substr(0, echo_max)) + "...";
}

bool is_scalar(const JsonValue& v) { return v.type == JsonType::string || v.type == JsonType::number; }

// A whole number that is not negative, decimal or behind 0x: 16, 16.0, "16", " 16 ", "0x10", "0X10".
std::optional<int64_t> function_code(const JsonValue& value) {
  if (!is_scalar(value)) return std::nullopt;
  std::string text = plain_text(value);
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  const bool hex = value.type == JsonType::string && text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
  if (const size_t point = text.find('.'); !hex && point != std::string::npos) {
    if (point + 1 == text.size() || text.find_first_not_of('0', point + 1) != std::string::npos) return std::nullopt;
    text.erase(point);
  }
  const char* begin = text.data() + (hex ? 2 : 0);
  const char* end = text.data() + text.size();
  uint32_t number = 0;
  const auto [stop, error] = std::from_chars(begin, end, number, hex ? 16 : 10);
  if (error != std::errc{} || stop != end || number > 0x7FFFFFFFU) return std::nullopt;
  return number;
}

void read_code(Request& request, const std::optional<JsonValue>& value) {
  if (!value)
    return refuse(request, json_unusable,
                  "cmd_code is missing: send {\"cmd_code\": 0}, and data for the line as {\"data\": ...}");
  if (is_scalar(*value) && value->text.size() <= echo_max) request.code_text = value->text;
  if (const auto number = function_code(*value))
    request.code = *number;
  else
    refuse(request, wrong_type,
           "cmd_code " + (is_scalar(*value) ? shown(value->text) + " " : "") +
               "is not a function code: send a whole number, \"50\" or \"0x50\"");
}

// Code 50 is sent with its texts filled up by zeros (seed 001, 6.1.1): what stands behind their last other character
// goes. json: strict.
constexpr int64_t codes_of_sms[] = {50, 0x50};
std::string without_fill(std::string_view json) {
  constexpr std::string_view zero = "\\u0000";
  std::string out;
  bool in_string = false;
  size_t filled_from = std::string::npos;
  for (size_t i = 0; i < json.size();) {
    size_t length = 1;
    if (in_string && json[i] == '\\') length = json.substr(i, zero.size()) == zero ? zero.size() : 2;
    if (length == zero.size()) {
      filled_from = std::min(filled_from, out.size());
    } else {
      if (length == 1 && json[i] == '"') {
        if (in_string) out.resize(std::min(filled_from, out.size()));
        in_string = !in_string;
      }
      filled_from = std::string::npos;
    }
    out.append(json.substr(i, length));
    i += length;
  }
  return out;
}

// Commands that have a parameter called password of their own: 51 in the old numbering, and 63 with the device document
// itself. Each has another form without it.
struct OwnPassword {
  int64_t code;
  std::string_view other_form;  // the member it has then
};
constexpr OwnPassword own_passwords[] = {
    {51, "new_password"}, {0x51, "new_password"}, {63, "dtu_config"}, {0x63, "dtu_config"}};

// Some servers put the password among the parameters.
void take_inner_password(Request& request) {
  for (const OwnPassword& own : own_passwords)
    if (own.code == request.code && !member(request.args, own.other_form)) return;
  std::string others;
  each_member(request.args, [&](std::string_view key, const JsonValue& value) {
    const bool taken = (key == "password" || key == "Password") && is_scalar(value) && !request.password;
    if (taken) {
      request.password = plain_text(value);
      return true;
    }
    if (!others.empty()) others += ',';
    append_json_text(others, key);
    others.append(":").append(value.text);
    return true;
  });
  if (request.password) request.args = "{" + others + "}";
}

bool is_empty_object(std::string_view object) {
  bool empty = true;
  each_member(object, [&](std::string_view, const JsonValue&) { return empty = false; });
  return empty;
}

// Parameters: the members of data (an object, or a string holding one), or those beside cmd_code, or data itself.
std::string arguments(const std::optional<JsonValue>& data, std::string beside) {
  const auto object_of = [](std::string& members) { return "{" + members + "}"; };
  if (!data || data->type == JsonType::null) return object_of(beside);
  std::string held;
  std::string_view object;
  if (data->type == JsonType::object) {
    object = data->text;
  } else if (data->type == JsonType::string) {
    held = unquote(data->text);
    const auto inner = parse_json(held);
    if (inner && inner->type == JsonType::object) object = inner->text;
    if (held.find_first_not_of(" \t\r\n") == std::string::npos) return object_of(beside);
  }
  if (!object.empty()) return is_empty_object(object) ? object_of(beside) : std::string(object);
  if (!beside.empty()) beside += ',';
  beside.append("\"data\":").append(data->text);
  return object_of(beside);
}

}  // namespace

Request read_request(std::string_view object) {
  Request request;
  request.bytes = object.size();
  std::array<std::optional<JsonValue>, slots> found;
  std::string beside;
  each_member(object, [&](std::string_view key, const JsonValue& value) {
    const auto slot = static_cast<size_t>(std::find(slot_names.begin(), slot_names.end(), key) - slot_names.begin());
    if (slot < slots) {
      if (found[slot]) refuse(request, json_unusable, "\"" + std::string(key) + "\" is there twice: send it once");
      found[slot] = value;
      return true;
    }
    if (!beside.empty()) beside += ',';
    append_json_text(beside, key);
    beside.append(":").append(value.text);
    return true;
  });

  if (found[msg_id]) {
    if (is_scalar(*found[msg_id]) && found[msg_id]->text.size() <= echo_max)
      request.msg_id = found[msg_id]->text;
    else if (found[msg_id]->type != JsonType::null)
      refuse(request, wrong_type, "msg_id must be a number or a string of at most 62 bytes");
  }
  // Seed 001, section 5 asks for the restart with "code" and "Password".
  read_code(request, found[cmd_code] ? found[cmd_code] : found[code]);
  const auto& secret = found[password] ? found[password] : found[password_capital];
  if (secret && is_scalar(*secret))
    request.password = plain_text(*secret);
  else if (secret && secret->type != JsonType::null)
    refuse(request, wrong_type, "password must be a string");
  if (found[topic_id] && is_scalar(*found[topic_id])) request.topic_id = plain_text(*found[topic_id]);
  if (object.size() > request_max)
    refuse(request, too_much_data, "the command has more than " + std::to_string(request_max) + " bytes");
  if (request.error_code != 0) return request;
  request.args = arguments(found[data], std::move(beside));
  if (!request.password) take_inner_password(request);
  const bool sms = std::find(std::begin(codes_of_sms), std::end(codes_of_sms), request.code) != std::end(codes_of_sms);
  if (sms) request.args = without_fill(request.args);
  return request;
}

Request read_local(std::string_view text) {
  size_t at = 0;
  skip_blank(text, at);
  const size_t begin = at;
  JsonProblem problem{begin, "this is no JSON object"};
  std::optional<std::string> object;
  if (const auto value = read_json(text, at); value && value->type == JsonType::object)
    object = value->text;
  else
    object = read_loose(text, at = begin, &problem);
  skip_blank(text, at);
  if (object && at < text.size()) problem = {at, "there is something behind the command"};
  if (!object || at < text.size()) return broken_request(text.size(), problem);
  Request request = read_request(*object);
  request.bytes = text.size();
  return request;
}

Request broken_request(size_t bytes, const JsonProblem& problem) {
  Request request;
  request.bytes = bytes;
  refuse(request, json_broken,
         "the command is no JSON object: " + std::string(problem.what) + ", byte " + std::to_string(problem.position));
  return request;
}

Request too_long_request() {
  Request request;
  request.bytes = request_max;
  refuse(request, too_much_data, "the command has more than " + std::to_string(request_max) + " bytes");
  return request;
}

}  // namespace command_dtu
