#include "request.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "json_view.hpp"
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

// A whole number that is not negative, decimal or behind 0x: 16, "16", "0x10", "0X10".
std::optional<int64_t> function_code(const JsonValue& value) {
  if (!is_scalar(value)) return std::nullopt;
  const std::string text = plain_text(value);
  const bool hex = value.type == JsonType::string && text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
  const char* begin = text.data() + (hex ? 2 : 0);
  const char* end = text.data() + text.size();
  uint32_t number = 0;
  const auto [stop, error] = std::from_chars(begin, end, number, hex ? 16 : 10);
  if (error != std::errc{} || stop != end || number > 0x7FFFFFFFU) return std::nullopt;
  return number;
}

void read_code(Request& request, const std::optional<JsonValue>& value) {
  if (!value) return refuse(request, json_unusable, "cmd_code is missing: send {\"cmd_code\": 0}");
  if (is_scalar(*value) && value->text.size() <= echo_max) request.code_text = value->text;
  if (const auto number = function_code(*value))
    request.code = *number;
  else
    refuse(request, wrong_type,
           "cmd_code " + shown(value->text) + " is not a function code: send a whole number, \"50\" or \"0x50\"");
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

Request read_request(std::string_view object, bool local) {
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
  read_code(request, found[cmd_code] || !local ? found[cmd_code] : found[code]);
  const auto& secret = found[password] ? found[password] : found[password_capital];
  if (secret && is_scalar(*secret))
    request.password = plain_text(*secret);
  else if (secret && secret->type != JsonType::null)
    refuse(request, wrong_type, "password must be a string");
  if (found[topic_id] && is_scalar(*found[topic_id])) request.topic_id = plain_text(*found[topic_id]);
  if (object.size() > request_max)
    refuse(request, too_much_data, "the command has more than " + std::to_string(request_max) + " bytes");
  if (request.error_code == 0) request.args = arguments(found[data], std::move(beside));
  return request;
}

Request broken_request(size_t position, std::string_view what) {
  Request request;
  refuse(request, json_broken,
         "the command is no JSON object: " + std::string(what) + ", byte " + std::to_string(position));
  return request;
}

}  // namespace command_dtu
