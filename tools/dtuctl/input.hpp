// Text that dtuctl is given: files, standard input, and words that stand for JSON.
#pragma once
#include <string>

namespace dtuctl {

// The whole of a file, "-" for standard input; at most 1 MiB, which is all that dtud takes. Throws Failure(kUsage).
[[nodiscard]] std::string read_input(const std::string& file);
// The word itself when it is JSON, else the word as a JSON string.
[[nodiscard]] std::string json_or_string(const std::string& word);
[[nodiscard]] std::string quoted(const std::string& text);  // as a JSON string

}  // namespace dtuctl
