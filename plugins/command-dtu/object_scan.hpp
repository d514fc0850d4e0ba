// Tells without looking back where a JSON object ends, also one with mistakes in it: behind the bracket that closes it,
// or at a NUL.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace command_dtu {

class ObjectScan {
 public:
  static constexpr size_t doubts_max = 32;
  // How many of the bytes belong to the object, when it ends within them.
  std::optional<size_t> feed(std::string_view text);
  // Where, from the beginning of the object, a { stands although no value can, or within a string that ends behind the
  // {: another object may begin there.
  [[nodiscard]] const std::vector<size_t>& doubts() const noexcept { return doubts_; }
  [[nodiscard]] size_t fed() const noexcept { return fed_; }
  // A string stood where none can.
  [[nodiscard]] bool mistaken() const noexcept { return mistaken_; }
  // The text can stand behind what was fed. False: it is something else, and the object will not be completed. In doubt
  // it is true. with_mistakes: what was fed is no beginning of an object, so that only another object is something
  // else.
  [[nodiscard]] bool may_go_on(std::string_view text, bool with_mistakes) const;
  // The text begins with another object.
  [[nodiscard]] bool may_begin_another(std::string_view text, bool with_mistakes) const;

 private:
  enum class End : uint8_t { no, before, behind };  // this byte
  [[nodiscard]] End outside(char c, size_t position);
  void inside(char c, size_t position);  // a string
  void doubt(size_t position);
  [[nodiscard]] bool in_list() const { return depth_ > 0 && (depth_ > 64 || (lists_ >> (depth_ - 1) & 1U) != 0); }
  [[nodiscard]] bool wants_value() const;
  [[nodiscard]] bool wants_name() const;
  void close(bool list);

  std::vector<size_t> doubts_;
  size_t fed_ = 0;
  uint64_t lists_ = 0;  // which of the open brackets are [, the outermost first; deeper ones are taken for lists
  size_t depth_ = 0;
  char last_ = '\0';             // outside strings
  char last_sign_ = '\0';        // the same without white space, comments and signs of numbers
  std::optional<size_t> brace_;  // within a string, with nothing but blanks behind it so far
  bool in_string_ = false, escaped_ = false, in_comment_ = false;
  bool mistaken_ = false;
  bool after_name_ = false;  // the last string stands where a name does
};

}  // namespace command_dtu
