#include "image_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace dtu_fetch {

ImageFile::ImageFile(std::string path, uint64_t trusted)
    : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)) {
  if (fd_ < 0) fail("cannot open");
  try {
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) throw FileBusy(path_ + " is in use by another program");
    struct stat info {};
    if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) fail("cannot use");
    size_ = std::min(static_cast<uint64_t>(info.st_size), trusted);
    if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0) fail("cannot cut");
    if (::lseek(fd_, 0, SEEK_END) < 0) fail("cannot write");
    synced_ = size_;
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

ImageFile::~ImageFile() { ::close(fd_); }

void ImageFile::fail(const char* doing) const {
  throw FileTrouble(std::string(doing) + " " + path_ + ": " + std::generic_category().message(errno));
}

void ImageFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write");
    bytes.remove_prefix(static_cast<size_t>(n));
    size_ += static_cast<uint64_t>(n);
  }
}

void ImageFile::empty() {
  if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) fail("cannot empty");
  size_ = synced_ = 0;
}

void ImageFile::sync() {
  if (::fsync(fd_) != 0) fail("cannot write");
  synced_ = size_;
}

}  // namespace dtu_fetch
