#include "parameters.hpp"

#include <dtu/sdk/text.hpp>

#include "status_codes.hpp"
#include "text_codec.hpp"

namespace command_dtu {
namespace {

constexpr size_t shown_max = 40;  // bytes of a wrong value that are repeated
constexpr const char* kinds[] = {"null", "true or false", "a number", "a text", "a list", "an object"};  // JsonType

std::string_view trimmed(std::string_view name) {
  const size_t first = name.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return name.substr(first, name.find_last_not_of(' ') - first + 1);
}

[[noreturn]] void refuse(int error_code, const std::string& text) {
  throw dtu::Failure(DTU_E_INVALID, text, 0, static_cast<uint32_t>(error_code));
}

}  // namespace

std::optional<JsonValue> parameter(std::string_view args, std::string_view name) {
  std::optional<JsonValue> found;
  each_member(args, [&](std::string_view key, const JsonValue& value) {
    if (trimmed(key) == name) found = value;
    return !found;
  });
  return found && found->type != JsonType::null ? found : std::nullopt;
}

JsonValue need(std::string_view args, std::string_view name, std::string_view usage) {
  const auto value = parameter(args, name);
  if (!value) refuse(wrong_number, std::string(name) + " is missing: send " + std::string(usage));
  return *value;
}

bool is_text_or_number(const JsonValue& value) {
  return value.type == JsonType::string || value.type == JsonType::number;
}

std::optional<int> as_flag(const JsonValue& value) {
  if (!is_text_or_number(value)) return std::nullopt;
  const std::string text = plain_text(value);
  if (text != "0" && text != "1") return std::nullopt;
  return text == "1" ? 1 : 0;
}

std::optional<std::string> as_pin(const JsonValue& value) {
  std::string text = plain_text(value);
  if (text.rfind("pio", 0) == 0 || text.rfind("PIO", 0) == 0) text.erase(0, 3);
  const bool digits = !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == std::string::npos;
  return digits && is_text_or_number(value) ? std::optional(text) : std::nullopt;
}

std::vector<JsonValue> need_list(const JsonValue& value, std::string_view name, size_t length, std::string_view usage) {
  if (value.type != JsonType::array) refuse_kind(name, value, "a list: send " + std::string(usage));
  std::vector<JsonValue> items;
  size_t at = 1;  // behind the bracket
  skip_white_space(value.text, at);
  while (at < value.text.size() && value.text[at] != ']' && items.size() <= length) {
    const auto item = read_json(value.text, at);
    if (!item) break;
    items.push_back(*item);
    skip_white_space(value.text, at);
    if (at < value.text.size() && value.text[at] == ',') ++at;
    skip_white_space(value.text, at);
  }
  if (items.size() != length)
    refuse(wrong_number, std::string(name) + " must have exactly " + std::to_string(length) + " entries, not " +
                             (items.size() > length ? "more" : std::to_string(items.size())) + ": send " +
                             std::string(usage));
  return items;
}

void refuse_type(std::string_view name, const JsonValue& value, std::string_view allowed) {
  const bool fits = value.type != JsonType::object && value.type != JsonType::array && value.text.size() <= shown_max;
  if (!fits) refuse_kind(name, value, allowed);
  refuse(wrong_type, std::string(name).append(" must be ").append(allowed).append(", not ").append(value.text));
}

void refuse_kind(std::string_view name, const JsonValue& value, std::string_view allowed) {
  const char* kind = kinds[static_cast<size_t>(value.type)];
  refuse(wrong_type, std::string(name).append(" must be ").append(allowed).append(", not ").append(kind));
}

void refuse_length(std::string_view name, size_t bytes, size_t most) {
  refuse(wrong_type,
         std::string(name) + " must be at most " + std::to_string(most) + " bytes, not " + std::to_string(bytes));
}

std::string quoted(std::string_view text) {
  std::string json;
  append_json_text(json, text);
  return json;
}

}  // namespace command_dtu
