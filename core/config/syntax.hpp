// Whether a text is JSON, said better than a parser says it: every mistake with its place and how to mend it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace dtud::config {

constexpr size_t kMaxDocument = 1U << 20U;  // bytes
constexpr int kMaxDepth = 32;               // levels
constexpr size_t kMaxValues = 20000;        // about 5 MB of memory once parsed
constexpr size_t kMaxMembers = 1000;        // of one object: Poco searches its keys one by one
constexpr size_t kMaxKey = 256;             // bytes
constexpr size_t kMaxMistakes = 64;         // named; more of them help nobody

struct SyntaxMistake {
  size_t offset = 0;  // into the text
  std::string path;   // JSON pointer of the innermost value being read
  std::string message;
};

// Empty when `text` is one JSON value within the limits. It goes on after a mistake wherever the meaning is clear.
[[nodiscard]] std::vector<SyntaxMistake> check_syntax(std::string_view text);

// What stands between the quotes of a JSON text, its escapes resolved. Lone halves of a surrogate pair become '?'.
[[nodiscard]] std::string unescape(std::string_view inside_quotes);

}  // namespace dtud::config
