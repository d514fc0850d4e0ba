// The entries of a .tar: ustar, GNU's long names, POSIX' extended headers. Nothing is believed, and nothing is written
// here.
#pragma once
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dtu_package {

// What is wrong with the package, for people.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Entry {
  enum class Kind { file, folder, link } kind = Kind::file;
  std::string name;    // as it stands there
  std::string target;  // of a symbolic link
  uint64_t size = 0;   // bytes of a file
  bool executable = false;
};

class TarReader {
 public:
  // fd: read from where it stands; it stays the caller's.
  explicit TarReader(int fd) : fd_(fd) {}

  // The next entry; false: the end. What is left of the one before is skipped. Throws Refused: a broken header, an end
  // before the end, a hard link, a device, a name over 1024 bytes.
  [[nodiscard]] bool next(Entry& entry);
  // The bytes of the entry, piece by piece.
  void read(const std::function<void(std::string_view)>& take);
  [[nodiscard]] uint64_t position() const { return at_; }

 private:
  [[nodiscard]] size_t fill(char* to, size_t most);
  void skip(uint64_t bytes);
  [[nodiscard]] std::string text(uint64_t size);
  void extend(std::string_view records);

  int fd_;
  uint64_t at_ = 0;                      // bytes read so far
  uint64_t left_ = 0;                    // bytes of the entry
  uint64_t padding_ = 0;                 // behind them
  std::string long_name_, long_target_;  // of the next entry
  uint64_t long_size_ = 0;
  bool has_long_size_ = false;
};

}  // namespace dtu_package
