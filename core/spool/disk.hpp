// The file operations a spool makes, and nothing more: what stands between it and a simulated disk that loses power or
// fails at the n-th call. All functions answer 0 (or a count) or a negative errno. One thread at a time, but for
// list().
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dtud::spool {

class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;                                              // closes it
  virtual int64_t read_at(uint64_t offset, char* to, uint64_t size) = 0;  // bytes read; short only at the end
  virtual int write_at(uint64_t offset, std::string_view bytes) = 0;      // all of it, or an error
  virtual int reserve(uint64_t size) = 0;  // makes it `size` bytes long with blocks for all of them
  virtual int sync() = 0;                  // contents and size are on disk
  virtual uint64_t size() = 0;
};

class Disk {
 public:
  struct Space {
    uint64_t total = 0, free = 0;  // bytes of the file system; free: for us
    uint32_t block = 4096;         // what a small write costs
  };

  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  virtual ~Disk() = default;
  // create: a new file (an error when there is one), else an existing one. Mode 0600. EPERM: another user's, or
  // writable by others, or no regular file.
  virtual std::unique_ptr<File> open(const std::string& file, bool create, int& error) = 0;
  virtual int rename(const std::string& from, const std::string& to) = 0;
  virtual int remove(const std::string& file) = 0;
  virtual int make_folder(const std::string& folder) = 0;  // and those above it; fine if it is there. Mode 0700
  // -ENOENT: no such folder. -ENOLINK: there may be one, but a link on the way to it leads nowhere.
  virtual int list(const std::string& folder, std::vector<std::string>& names) = 0;
  virtual int sync_folder(const std::string& folder) = 0;  // names are on disk
  virtual Space space(const std::string& folder) = 0;
};

// The real one.
[[nodiscard]] std::unique_ptr<Disk> make_disk();

// For those who only look, whoever owns it: a regular file; a folder (-ENOTDIR: it is none).
[[nodiscard]] std::unique_ptr<File> open_to_look(const std::string& file, int& error);
[[nodiscard]] int list_to_look(const std::string& folder, std::vector<std::string>& names);

}  // namespace dtud::spool
