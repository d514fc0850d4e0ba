// The words that tell a command or its password in text that nobody can read (D20). Such text never goes to the line.
// The words are found in any spelling: upper case, as \u escapes, with NULs between the letters (UTF-16).
#pragma once
#include <cstddef>
#include <string_view>

namespace command_dtu {

// How many bytes before a cut are enough to find a word that the cut goes through.
inline constexpr size_t secret_context = 128;

[[nodiscard]] bool names_command(std::string_view text);  // cmd_code
// The word password, as a name or not. False for nearly all data.
[[nodiscard]] bool has_password_word(std::string_view text);
// A member called password: the word behind a { with a sign that may end a name, or with a quote and a colon behind it.
// within_object: the { stands before the text.
[[nodiscard]] bool names_password(std::string_view text, bool within_object = false);
[[nodiscard]] bool has_secret(std::string_view text, bool within_object = false);

// The name of a member is password or new_password, whatever its letters' case and the blanks around it.
[[nodiscard]] bool is_password_name(std::string_view name);

}  // namespace command_dtu
