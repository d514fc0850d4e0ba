#include "config/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

namespace dtud::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  // 0, or errno: a network file system tells of a failed write only here.
  int close() { return ::close(std::exchange(fd_, -1)) == 0 ? 0 : errno; }

 private:
  int fd_;
};

bool failed(FileError& error, int code, const std::string& what) {
  error = {code, what + ": " + std::generic_category().message(code)};
  return false;
}

// Where a link leads, so that replacing the file does not replace the link; also where nothing is yet.
std::string resolved(const std::string& file) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(file.c_str(), nullptr), &std::free);
  if (real) return real.get();
  std::array<char, 4096> target{};
  const ssize_t n = ::readlink(file.c_str(), target.data(), target.size());
  if (n <= 0 || n == static_cast<ssize_t>(target.size())) return file;
  std::string to(target.data(), static_cast<size_t>(n));
  if (to.front() != '/') to.insert(0, file.substr(0, file.rfind('/') + 1));
  return to;
}

bool is_link(const std::string& file) {
  struct stat info {};
  return ::lstat(file.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return 0;
}

int sync_folder(const std::string& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return errno;
  if (::fsync(fd.get()) == 0 || errno == EINVAL) return 0;  // EINVAL: this file system has nothing to sync
  return errno;
}

// The new file, complete and on disk, under a name of its own. 0 or errno.
int prepare(const std::string& name, std::string_view text, const struct stat* old) {
  if (::unlink(name.c_str()) != 0 && errno != ENOENT) return errno;  // left by a power cut
  Descriptor fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd.get() < 0) return errno;
  if (old != nullptr && (old->st_uid != ::geteuid() || old->st_gid != ::getegid())) {
    // Only root may give a file away: the service user then becomes its owner, which is who must write it.
    if (::fchown(fd.get(), old->st_uid, old->st_gid) != 0 && errno != EPERM) return errno;
  }
  if (const int code = write_all(fd.get(), text); code != 0) return code;
  if (::fsync(fd.get()) != 0) return errno;
  return fd.close();
}

}  // namespace

bool write_file(const std::string& file, std::string_view text, FileError& error) {
  const auto target = resolved(file);
  const auto slash = target.rfind('/');
  const auto folder = slash == std::string::npos ? std::string(".") : target.substr(0, slash + 1);
  const auto name = folder + (slash == std::string::npos ? "/." : ".") + target.substr(slash + 1) + ".new";
  struct stat old {};
  const bool exists = ::stat(target.c_str(), &old) == 0;
  if (exists && !S_ISREG(old.st_mode)) return failed(error, EINVAL, "cannot write " + file + ", it is no regular file");
  if (const int code = prepare(name, text, exists ? &old : nullptr); code != 0) {
    ::unlink(name.c_str());
    return failed(error, code, "cannot write " + file);
  }
  if (::rename(name.c_str(), target.c_str()) != 0) {
    const int code = errno;
    ::unlink(name.c_str());
    return failed(error, code, "cannot replace " + file);
  }
  if (const int code = sync_folder(folder); code != 0)
    return failed(error, code, "wrote " + file + ", but cannot be sure that it survives a power cut");
  return true;
}

bool remove_file(const std::string& file, FileError& error) {
  if (::unlink(file.c_str()) != 0) return errno == ENOENT || failed(error, errno, "cannot remove " + file);
  const auto slash = file.rfind('/');
  const int code = sync_folder(slash == std::string::npos ? "." : file.substr(0, slash + 1));
  return code == 0 || failed(error, code, "removed " + file + ", but cannot be sure that it survives a power cut");
}

std::optional<std::string> read_file(const std::string& file, size_t limit, FileError& error) {
  const auto fail = [&](int code, const std::string& what) {
    failed(error, code, what);
    return std::nullopt;
  };
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // NONBLOCK: a FIFO must not hang us
  if (fd.get() < 0 && errno == ENOENT && is_link(file))
    return fail(ENOLINK, "cannot read " + file + ", a link to nothing");
  if (fd.get() < 0) return fail(errno, "cannot read " + file);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(errno, "cannot read " + file);
  if (!S_ISREG(info.st_mode)) return fail(EINVAL, "cannot read " + file + ", it is no regular file");
  std::string text;
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno, "cannot read " + file);
    if (n == 0) return text;
    if (text.size() + static_cast<size_t>(n) > limit)
      return fail(EFBIG, "cannot read " + file + ", it has more than " + std::to_string(limit) + " bytes");
    text.append(piece.data(), static_cast<size_t>(n));
  }
}

}  // namespace dtud::config
