// A command in the text of an SMS. Two forms:
//   {"cmd_code": 7, "password": "640000", "data": {"adcn": 1}}   as function codes come from a server
//   (docs/protocol.md) adc.query 640000 {"adcn": 1}                                 a name or a code; password and
//   arguments may be left out
// Pure. [any]
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hal_ec600::sms {

struct Order {
  std::string name;   // "" = a code
  int64_t code = -1;  // -1 = a name
  std::string args;   // a JSON object, or ""
  std::optional<std::string> password;
  bool json = false;       // its form, and so that of the answer
  std::string msg_id;      // JSON, as it came; "" = none
  std::string shown_code;  // JSON, as it came
};

// Nothing: it is no command, but text for people. Names are read whatever their case, codes also as 0x10: telephones
// write a capital letter first.
[[nodiscard]] std::optional<Order> order_in(std::string_view text);

// A text that order_in() cannot read, and that was meant as a command all the same: it begins with a code, a name of
// several parts or a bracket. It may have the password, so only `word` may be shown. Nothing: it is text for people; so
// are answers of another device, or two devices would answer each other.
struct Botched {
  std::string word, why;
};
[[nodiscard]] std::optional<Botched> botched_in(std::string_view text);

// The answer, in the form of the order, at most kMostAnswer characters: each part costs money.
constexpr size_t kMostAnswer = 480;
[[nodiscard]] std::string done(const Order& order, std::string_view json);
[[nodiscard]] std::string failed(const Order& order, std::string_view error);

// At most `most` characters of UTF-8, never half of one; what was cut is marked by "…".
[[nodiscard]] std::string cut_to(std::string text, size_t most);

}  // namespace hal_ec600::sms
