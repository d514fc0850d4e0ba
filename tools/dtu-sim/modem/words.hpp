// The words of one line of a script.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sim::modem {

// A script is wrong: the message names the line, the word and what is allowed there.
class ScriptError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Words are separated by blanks. A word that begins with " goes to the next " and may have \r \n \t \\ \" and \xHH in
// it. What follows a word that begins with # is a comment. Throws ScriptError.
[[nodiscard]] std::vector<std::string> split_words(std::string_view line);

// Takes one word after the other. Every member throws ScriptError; `what` says what is expected: "a percentage".
class Words {
 public:
  explicit Words(std::vector<std::string> words) : words_(std::move(words)) {}

  [[nodiscard]] bool more() const { return next_ < words_.size(); }
  [[nodiscard]] bool next_is(std::string_view word) const { return more() && words_[next_] == word; }
  std::string text(std::string_view what);
  int64_t number(std::string_view what, int64_t least, int64_t most);
  double decimal(std::string_view what, double least, double most);
  int64_t seconds_as_ms(std::string_view what);
  std::string one_of(std::initializer_list<std::string_view> allowed);
  std::string command();  // begins with AT, or * for every command
  std::string hex(std::string_view what);
  // Takes the word if it is the next one.
  bool take(std::string_view word);
  void end() const;  // nothing may be left

  [[noreturn]] static void fail(std::string_view word, std::string_view allowed);

 private:
  std::vector<std::string> words_;
  size_t next_ = 0;
};

}  // namespace sim::modem
