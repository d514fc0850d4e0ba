// Small files of /sys, /proc and /run, below a root that a test sets. Functions read the disk or a driver: a driver may
// take its time, so what measures is read on a Worker.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hal_linux {

class Tree {
 public:
  explicit Tree(std::string root) : root_(std::move(root)) { root_.erase(root_.find_last_not_of('/') + 1); }
  [[nodiscard]] std::string path(std::string_view below) const { return root_ + std::string(below); }

  struct Text {
    std::string text;  // at most 4 KiB, without the blanks and NULs at its end
    int error = 0;     // errno; 0: it was read
    [[nodiscard]] bool ok() const { return error == 0; }
  };
  [[nodiscard]] Text read(std::string_view file) const;  // of a plain file; never waits for a writer
  [[nodiscard]] bool has(std::string_view file) const;
  // Names in a directory, sorted, at most 1024. Empty: there is no such directory.
  [[nodiscard]] std::vector<std::string> entries(std::string_view directory) const;

 private:
  std::string root_;
};

// The number that `text` is, all of it. False: it is none, or not finite.
[[nodiscard]] bool to_number(std::string_view text, double& number);
// What a driver, a file or a network calls itself, to be shown: UTF-8 without control characters, at most `longest`
// bytes. Other bytes become '?'.
[[nodiscard]] std::string shown(std::string_view text, size_t longest = 64);
[[nodiscard]] bool is_printable_utf8(std::string_view text);

}  // namespace hal_linux
