// One line of the host as AT commands.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sim::modem {

enum class Form { execute, test, read, set };

struct Call {
  std::string name;  // upper case, without AT: "+CSQ", "E", "&D"
  Form form = Form::execute;
  std::vector<std::string> arguments;  // without their quotes

  // "" when it is not there.
  [[nodiscard]] const std::string& text(size_t index) const;
  // Absent: `otherwise`; not a number, or not from least to most: nothing.
  [[nodiscard]] std::optional<int> number(size_t index, int least, int most,
                                          std::optional<int> otherwise = std::nullopt) const;
};

// The commands of a line such as "AT+CSQ;+CREG?" or "ATE0"; nothing when it is none. "AT" has no commands.
[[nodiscard]] std::optional<std::vector<Call>> parse_line(std::string_view line);

// Up to the `;` that is not inside quotes; all of it when there is none.
[[nodiscard]] std::string_view until_semicolon(std::string_view text);

[[nodiscard]] std::string upper(std::string_view text);

}  // namespace sim::modem
