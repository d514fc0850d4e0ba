// Reads JSON where it lies: checks the grammar, gives members as pieces of the text. Nothing is copied or allocated, so
// what passes through (arguments, payloads) keeps its exact form, and a bomb costs one pass over its bytes.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace command_dtu {

inline constexpr int json_depth_max = 32;

enum class JsonType : uint8_t { null, boolean, number, string, array, object };

struct JsonValue {
  JsonType type = JsonType::null;
  std::string_view text;  // exactly as written
};

struct JsonProblem {
  size_t position = 0;  // the end of the text: more of it might make it whole
  const char* what = "";
};

// The value at `at`, white space before it skipped; `at` moves behind it. Strict RFC 8259, at most json_depth_max
// levels, valid UTF-8; lone surrogates in \u escapes are let through.
[[nodiscard]] std::optional<JsonValue> read_json(std::string_view text, size_t& at, JsonProblem* problem = nullptr);
// One value and nothing behind it but white space.
[[nodiscard]] std::optional<JsonValue> parse_json(std::string_view text, JsonProblem* problem = nullptr);
void skip_white_space(std::string_view text, size_t& at) noexcept;

// The members of an object that read_json accepted, in the order written; `each` answers false to stop.
void each_member(std::string_view object, const std::function<bool(std::string_view key, const JsonValue&)>& each);
// The first member of that name. An object in doubt is found empty.
[[nodiscard]] std::optional<JsonValue> member(std::string_view object, std::string_view name);

// The bytes of a string as it was accepted by read_json; a lone surrogate becomes U+FFFD.
[[nodiscard]] std::string unquote(std::string_view quoted);
// A string's content, any other value's text: for fields that real servers send as either.
[[nodiscard]] std::string plain_text(const JsonValue& value);

}  // namespace command_dtu
