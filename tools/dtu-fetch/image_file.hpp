// The file a download goes into. It is locked as long as this is open, so that two programs never write it, nor an
// installer reads what is being written.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dtu_fetch {

// The disk or the file is in the way; what() says how.
class FileTrouble : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// Somebody else has it locked.
class FileBusy : public FileTrouble {
 public:
  using FileTrouble::FileTrouble;
};

class ImageFile {
 public:
  // What is there beyond `trusted` bytes is cut off: a power cut may have left anything in it.
  ImageFile(std::string path, uint64_t trusted);
  ImageFile(const ImageFile&) = delete;
  ImageFile& operator=(const ImageFile&) = delete;
  ~ImageFile();

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] uint64_t synced() const { return synced_; }
  void append(std::string_view bytes);
  void empty();
  void sync();

 private:
  [[noreturn]] void fail(const char* doing) const;

  const std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0, synced_ = 0;
};

}  // namespace dtu_fetch
