// Parameters of a command, as servers of several generations send them: numbers also as text, names with a blank too
// many (the examples of both documents have them). What is missing or of the wrong kind is thrown, with what to send
// instead.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_view.hpp"

namespace command_dtu {

// The first one of that name. null: none.
[[nodiscard]] std::optional<JsonValue> parameter(std::string_view args, std::string_view name);
// usage: what to send, JSON.
[[nodiscard]] JsonValue need(std::string_view args, std::string_view name, std::string_view usage);

[[nodiscard]] bool is_text_or_number(const JsonValue& value);
// 0, 1, "0", "1" as 0 or 1.
[[nodiscard]] std::optional<int> as_flag(const JsonValue& value);
// "pio4", "4" or 4 as "4".
[[nodiscard]] std::optional<std::string> as_pin(const JsonValue& value);
// The entries of an array of exactly that many.
[[nodiscard]] std::vector<JsonValue> need_list(const JsonValue& value, std::string_view name, size_t length,
                                               std::string_view usage);

// "name must be allowed, not value": refuse_kind names only what kind of value it is, for what may hold a secret.
[[noreturn]] void refuse_type(std::string_view name, const JsonValue& value, std::string_view allowed);
[[noreturn]] void refuse_kind(std::string_view name, const JsonValue& value, std::string_view allowed);
[[noreturn]] void refuse_length(std::string_view name, size_t bytes, size_t most);
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace command_dtu
