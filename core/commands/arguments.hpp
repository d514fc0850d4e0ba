// Are these the arguments a command takes?
#pragma once
#include <string>

namespace dtud::commands {

// "" when `json` is a JSON object that satisfies the schema ("" = any object), else what is wrong with it.
[[nodiscard]] std::string wrong_arguments(const std::string& schema, const std::string& json);

}  // namespace dtud::commands
