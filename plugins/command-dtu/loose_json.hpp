// JSON as the documents of the protocol print it (D20), made strict.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "json_view.hpp"

namespace command_dtu {

// The object at `at`, written again as strict JSON; `at` moves behind it. Besides strict JSON it takes: hexadecimal
// numbers (0X40; they become decimal), a comma before } or ], the names of a command's members without quotes
// (Password:), comments from // or -- to the end of the line, and NUL inside a string.
[[nodiscard]] std::optional<std::string> read_loose(std::string_view text, size_t& at, JsonProblem* problem = nullptr);

// The word is one of those names; cut: or the beginning of one.
[[nodiscard]] bool may_be_bare_name(std::string_view word, bool cut) noexcept;

// White space and NUL between messages; a byte order mark counts at the beginning only.
void skip_blank(std::string_view text, size_t& at) noexcept;

}  // namespace command_dtu
