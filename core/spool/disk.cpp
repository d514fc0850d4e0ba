#include "spool/disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

namespace dtud::spool {
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

 private:
  int fd_;
};

int status(int result) { return result == 0 ? 0 : -errno; }

// Ours, and nobody else can write it.
bool trusted(const struct stat& info) {
  return info.st_uid == ::geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// The last part of the path that is there is a link to nothing: a file system that is not mounted (yet).
bool behind_dead_link(std::string path) {
  struct stat info {};
  while (::lstat(path.c_str(), &info) != 0) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) return false;
    path.resize(slash);
  }
  return S_ISLNK(info.st_mode) && ::stat(path.c_str(), &info) != 0;
}

// `ours`: who may write the folder may put files there, or take ours away.
int list_folder(const std::string& folder, std::vector<std::string>& names, bool ours) {
  names.clear();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT && behind_dead_link(folder) ? -ENOLINK : -errno;
  struct stat info {};
  const bool refused = ours && (::fstat(fd, &info) != 0 || !trusted(info));
  DIR* const entries = refused ? nullptr : ::fdopendir(fd);
  if (entries == nullptr) {
    ::close(fd);
    return refused ? -EPERM : -ENOMEM;
  }
  errno = 0;
  while (const dirent* entry = ::readdir(entries)) names.emplace_back(entry->d_name);
  const int code = errno;
  ::closedir(entries);
  return -code;
}

class PosixFile : public File {
 public:
  explicit PosixFile(int fd) : fd_(fd) {}

  int64_t read_at(uint64_t offset, char* to, uint64_t size) override {
    uint64_t done = 0;
    while (done < size) {
      const ssize_t n = ::pread(fd_.get(), to + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return -errno;
      if (n == 0) break;
      done += static_cast<uint64_t>(n);
    }
    return static_cast<int64_t>(done);
  }

  int write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno == EBADF ? -EROFS : -errno;  // EBADF: it could only be opened for reading
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return 0;
  }

  // Not posix_fallocate(): where the file system cannot, that one writes to every block.
  int reserve(uint64_t bytes) override {
    if (size() > bytes) return status(::ftruncate(fd_.get(), static_cast<off_t>(bytes)));
    int result = 0;
    do result = ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(bytes));
    while (result != 0 && errno == EINTR);
    if (result == 0 || (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)) return status(result);
    return status(::ftruncate(fd_.get(), static_cast<off_t>(bytes)));
  }

  int sync() override { return status(::fdatasync(fd_.get())); }

  uint64_t size() override {
    struct stat info {};
    return ::fstat(fd_.get(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  }

 private:
  Descriptor fd_;
};

class PosixDisk : public Disk {
 public:
  std::unique_ptr<File> open(const std::string& file, bool create, int& error) override {
    const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;  // NONBLOCK: a FIFO must not hang us
    int fd = ::open(file.c_str(), flags | O_RDWR | (create ? O_CREAT | O_EXCL : 0), 0600);
    if (fd < 0 && !create && errno == EROFS) fd = ::open(file.c_str(), flags | O_RDONLY);
    if (fd < 0) {
      // EACCES: it may be read by others only. ELOOP, ENXIO, EISDIR: a link, a FIFO, a folder.
      const bool alien = errno == EACCES || errno == ELOOP || errno == ENXIO || errno == EISDIR;
      error = alien ? -EPERM : -errno;
      return nullptr;
    }
    auto out = std::make_unique<PosixFile>(fd);
    struct stat info {};
    error = status(::fstat(fd, &info));
    if (error == 0 && (!S_ISREG(info.st_mode) || !trusted(info))) error = -EPERM;
    if (error != 0) return nullptr;
    return out;
  }

  int rename(const std::string& from, const std::string& to) override {
    return status(::rename(from.c_str(), to.c_str()));
  }

  int remove(const std::string& file) override { return status(::unlink(file.c_str())); }

  int make_folder(const std::string& folder) override {
    for (size_t at = 1; at != std::string::npos;) {
      at = folder.find('/', at);
      const std::string part = folder.substr(0, at);
      if (at != std::string::npos) ++at;
      if (::mkdir(part.c_str(), 0700) == 0) continue;
      const int code = errno;
      struct stat info {};
      if (code == EEXIST && ::stat(part.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) return -ENOTDIR;
      if (code != EEXIST && ::access(part.c_str(), F_OK) != 0) return -code;  // a read-only one above is fine
    }
    return 0;
  }

  int list(const std::string& folder, std::vector<std::string>& names) override {
    return list_folder(folder, names, true);
  }

  int sync_folder(const std::string& folder) override {
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return -errno;
    if (::fsync(fd.get()) == 0 || errno == EINVAL) return 0;  // EINVAL: this file system has nothing to sync
    return -errno;
  }

  Space space(const std::string& folder) override {
    Space out;
    struct statvfs info {};
    if (::statvfs(folder.c_str(), &info) != 0) return out;
    out.total = static_cast<uint64_t>(info.f_blocks) * info.f_frsize;
    out.free = static_cast<uint64_t>(::geteuid() == 0 ? info.f_bfree : info.f_bavail) * info.f_frsize;
    out.block = static_cast<uint32_t>(info.f_frsize);
    return out;
  }
};

}  // namespace

std::unique_ptr<File> open_to_look(const std::string& file, int& error) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  error = fd < 0 ? -errno : 0;
  if (fd < 0) return nullptr;
  auto out = std::make_unique<PosixFile>(fd);
  struct stat info {};
  error = ::fstat(fd, &info) != 0 ? -errno : S_ISREG(info.st_mode) ? 0 : -EINVAL;
  if (error != 0) return nullptr;
  return out;
}

int list_to_look(const std::string& folder, std::vector<std::string>& names) {
  return list_folder(folder, names, false);
}

std::unique_ptr<Disk> make_disk() { return std::make_unique<PosixDisk>(); }

}  // namespace dtud::spool
