// A command as it comes over the wire, from a channel or behind 99 on the line (D1 to D3).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json_view.hpp"

namespace command_dtu {

inline constexpr size_t request_max = 65536;  // bytes of one command

struct Request {
  std::string msg_id;     // as JSON; "" = the asker gave none
  std::string code_text;  // as JSON, in the form asked; "" = none that can be repeated
  int64_t code = -1;
  std::string args;  // a JSON object
  std::optional<std::string> password;
  std::string topic_id;  // publish id of the answer; "" = the channel's first
  size_t bytes = 0;      // of the whole command
  int error_code = 0;    // not 0: refused as it stands
  std::string error;
};

// object: the text of a strict JSON object.
[[nodiscard]] Request read_request(std::string_view object);
// What came behind 99: it is a command whatever its members are called.
[[nodiscard]] Request read_local(std::string_view text);
// Commands that cannot be read, said so that their sender can mend them. bytes: of the text.
[[nodiscard]] Request broken_request(size_t bytes, const JsonProblem& problem);
[[nodiscard]] Request too_long_request();

}  // namespace command_dtu
