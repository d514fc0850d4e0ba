// The answer to a command (D2).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "request.hpp"

namespace command_dtu {

struct AnswerStyle {
  bool compact = false;  // "reply": "compact"
  bool plate = false;    // "plate": 1, every answer names the device
};

struct Outcome {
  std::string data = "null";  // JSON
  int error_code = 0;         // 0: carried out
  std::string error;
  std::string note = {};  // JSON text; "" = none
};

// How a command hands on a note beside its data: {"data": ..., "note": "..."}. note: a JSON text.
[[nodiscard]] std::string with_note(std::string_view data, std::string_view note);
// The outcome of a command that answered `json`.
[[nodiscard]] Outcome outcome_of(std::string_view json);

[[nodiscard]] std::string answer_text(const Request& request, uint64_t made_msg_id, const Outcome& outcome,
                                      const AnswerStyle& style, std::string_view imei);

// Milliseconds since 1970 and three random digits; always greater than the one before.
class MessageIds {
 public:
  MessageIds();
  [[nodiscard]] uint64_t next(int64_t time_ns);

 private:
  uint64_t last_ = 0;
  uint64_t random_;
};

}  // namespace command_dtu
