#include "tls/readable.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tls {
namespace {

constexpr off_t kLargest = 4 << 20;  // bytes; the system's own bundle has 200 KiB

}  // namespace

std::string why_unreadable(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "cannot be read: " + std::generic_category().message(errno);
  struct stat st {};
  const bool known = ::fstat(fd, &st) == 0;
  ::close(fd);
  if (!known || !S_ISREG(st.st_mode)) return "is not a regular file";
  return st.st_size > kLargest ? "is larger than 4 MiB: name a PEM file with certificates" : "";
}

}  // namespace tls
