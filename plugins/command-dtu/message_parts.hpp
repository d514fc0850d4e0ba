// A message from a channel taken apart where it may hold a command (D20): commands, data, and text that names cmd_code
// or a password but cannot be read. The last is answered and never goes to the line.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_view.hpp"

namespace command_dtu {

struct Part {
  enum class Kind : uint8_t {
    nothing,     // only blanks were left
    command,     // strict: its JSON. Also an object with a password and without its cmd_code: 6002
    object,      // JSON, no command
    data,        // anything else
    broken,      // names cmd_code or a password and cannot be read: problem
    unfinished,  // more of the stream may make it a command
  };
  Kind kind = Kind::nothing;
  std::string_view text;  // as it came
  std::string strict;
  JsonProblem problem;
  size_t end = 0;  // where the next part begins
};

// The first part of `text`. more_may_come: it is a piece of a stream.
[[nodiscard]] Part first_part(std::string_view text, bool more_may_come);

// False for nearly all data: then the message needs no look for parts.
[[nodiscard]] bool may_hold_command(std::string_view text);
// A part of the message is a command, or must not go to the line.
[[nodiscard]] bool holds_command(std::string_view text);
// More text may make it a JSON object, as the protocol's documents print them.
[[nodiscard]] bool may_become_object(std::string_view text);
// The beginning of the first command at one of these places, whole or as far as it has come.
[[nodiscard]] std::optional<size_t> begin_of_command(std::string_view text, const std::vector<size_t>& places);
// The same; else the first of these places from where on, up to the next one, the text names cmd_code.
[[nodiscard]] std::optional<size_t> begin_of_another(std::string_view text, const std::vector<size_t>& places);
// cmd_code is a member; or code is, with a password beside it.
[[nodiscard]] bool is_command(std::string_view object);

}  // namespace command_dtu
