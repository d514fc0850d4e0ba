// Bytes as text: UTF-8, JSON strings, base64, hexadecimal.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace command_dtu {

// Appends `bytes` as a JSON string with its quotes. False, and nothing appended, when they are not valid UTF-8.
[[nodiscard]] bool append_json_string(std::string& out, std::string_view bytes);
// The same for text made for people: what is not UTF-8 becomes U+FFFD.
void append_json_text(std::string& out, std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;
void append_utf8(std::string& out, uint32_t code_point);

void append_base64(std::string& out, std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

void append_hex(std::string& out, std::string_view bytes);  // upper case
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text);

}  // namespace command_dtu
