#include "plugins/loader/opening_mark.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>

namespace dtud::plugins {

std::string OpeningMark::take(const std::string& file) {
  Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return {};
  file_ = std::move(fd);
  std::array<char, 8192> words{};
  const ssize_t n = ::pread(file_.get(), words.data(), words.size(), 0);
  clear();
  return n <= 0 ? std::string() : std::string(words.data(), static_cast<size_t>(n));
}

void OpeningMark::set(const std::string& words) {
  if (file_ && ::pwrite(file_.get(), words.data(), words.size(), 0) != static_cast<ssize_t>(words.size())) clear();
}

void OpeningMark::clear() {
  if (file_ && ::ftruncate(file_.get(), 0) != 0) file_.close();
}

}  // namespace dtud::plugins
