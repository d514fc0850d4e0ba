#include "keys/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "keys/ed25519.hpp"

namespace keys {

File::File(const std::string& path, bool link)
    : name_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | (link ? 0 : O_NOFOLLOW))) {
  look();
}

File::File(int fd, std::string name) : name_(std::move(name)), fd_(fd) { look(); }

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

void File::look() {
  struct stat info {};
  if (fd_ < 0) fail();
  if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(std::exchange(fd_, -1));
    throw Unusable(name_ + " is not a regular file");
  }
  size_ = static_cast<uint64_t>(info.st_size);
}

void File::fail() const { throw Unusable("cannot read " + name_ + ": " + std::generic_category().message(errno)); }

std::string File::digest(const EVP_MD* kind) const {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1)
    throw Unusable(std::string(EVP_MD_get0_name(kind)) + " is not available in OpenSSL");
  std::array<char, 65536> piece{};
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(fd_, piece.data(), piece.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail();
    if (n == 0) break;
    EVP_DigestUpdate(context.get(), piece.data(), static_cast<size_t>(n));
    at += n;
  }
  std::string bytes(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(bytes.data()), &length);
  return to_hex(std::string_view(bytes).substr(0, length));
}

std::string File::text(size_t most) const {
  std::string text(std::min<uint64_t>(size_, most), '\0');
  if (::pread(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) fail();
  return text;
}

}  // namespace keys
