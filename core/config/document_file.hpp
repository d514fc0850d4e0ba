// The device file. People may edit it at any time: what they wrote is noticed before it is overwritten, and kept.
#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "config/store.hpp"

namespace dtud::config {

class DocumentFile {
 public:
  static constexpr size_t kMost = 1U << 20U;  // bytes

  void set_path(std::string file) { file_ = std::move(file); }
  [[nodiscard]] const std::string& path() const { return file_; }

  // The file as it is now. code ENOENT: there is none.
  [[nodiscard]] std::optional<std::string> read(FileError& error) const;
  // From now on `text`, which read() gave, is not an edit any more.
  void accept(const std::string& text);
  // Its content is neither what was accepted nor what write() wrote, or it cannot be read. A file that is gone is not
  // edited. Reads the file only if its size, its time or its inode has changed.
  [[nodiscard]] bool edited();
  // Replaces the file, see write_file().
  [[nodiscard]] bool write(const std::string& text, FileError& error);

  // Keeps the file as it is now as rejected_path(), where it replaces an older one. A file that cannot be read is moved
  // there.
  [[nodiscard]] bool keep_rejected(FileError& error) const { return keep_rejected(file_, error); }
  [[nodiscard]] static bool keep_rejected(const std::string& file, FileError& error);  // any thread
  [[nodiscard]] std::string rejected_path() const { return file_ + ".rejected"; }
  [[nodiscard]] bool has_rejected() const;

 private:
  struct Seen {
    uint64_t inode = 0;
    int64_t size = -1, modified_s = 0, changed_s = 0;
    int64_t modified_ns = 0, changed_ns = 0;
    friend bool operator==(const Seen& a, const Seen& b) {
      return a.inode == b.inode && a.size == b.size && a.modified_s == b.modified_s && a.changed_s == b.changed_s &&
             a.modified_ns == b.modified_ns && a.changed_ns == b.changed_ns;
    }
  };
  [[nodiscard]] std::optional<Seen> look() const;

  std::string file_;
  std::optional<std::string> known_;  // what was accepted or written last
  std::optional<Seen> seen_;          // the file when it had that content
};

}  // namespace dtud::config
