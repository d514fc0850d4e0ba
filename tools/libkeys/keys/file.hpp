// A file opened once, so that what is hashed, what is verified and what is looked at are the same bytes.
#pragma once
#include <openssl/evp.h>

#include <cstdint>
#include <string>

namespace keys {

class File {
 public:
  // A regular file; links are not followed when `link` is false. Throws Unusable.
  explicit File(const std::string& path, bool link = true);
  File(int fd, std::string name);  // takes over the descriptor
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string digest(const EVP_MD* kind) const;  // in hex. Throws Unusable
  [[nodiscard]] std::string text(size_t most) const;           // the beginning of it. Throws Unusable
  [[noreturn]] void fail() const;                              // throws Unusable with what errno says

 private:
  void look();

  const std::string name_;
  int fd_;
  uint64_t size_ = 0;
};

}  // namespace keys
