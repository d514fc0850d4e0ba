#include "unpack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "tar_reader.hpp"

namespace dtu_package {
namespace {

constexpr size_t kDeepest = 32, kLongestPart = 255;
constexpr mode_t kFolderMode = 0755, kFileMode = 0644, kProgramMode = 0755;

std::string shown(const std::string& name) {
  std::string out = "\"";
  for (const char c : name.substr(0, 100)) out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  return out + "\"";
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& doing) {
  throw Refused(doing + ": " + std::generic_category().message(errno));
}

int open_folder(int at, const char* name) {
  return ::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Every step by itself and never through a link, so nothing lands outside.
Descriptor enter(int root, const std::vector<std::string>& parts, size_t count, const std::string& name) {
  Descriptor here(open_folder(root, "."));
  for (size_t i = 0; i < count && here.get() >= 0; ++i) {
    const char* part = parts[i].c_str();
    if (::mkdirat(here.get(), part, kFolderMode) != 0 && errno != EEXIST)
      fail("cannot create the folder of " + shown(name));
    here = Descriptor(open_folder(here.get(), part));
  }
  if (here.get() < 0) fail("the parent of " + shown(name) + " is not a folder");
  return here;
}

void write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write " + shown(name));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void make(int root, const Entry& entry, TarReader& reader) {
  const std::vector<std::string> parts = parts_of(entry.name);
  if (entry.kind == Entry::Kind::folder) {
    (void)enter(root, parts, parts.size(), entry.name);
    return;
  }
  if (parts.empty()) throw Refused(shown(entry.name) + " is not a file name");
  const Descriptor folder = enter(root, parts, parts.size() - 1, entry.name);
  const char* last = parts.back().c_str();
  if (entry.kind == Entry::Kind::link) {
    check_target(entry.name, entry.target, parts.size() - 1);
    if (::symlinkat(entry.target.c_str(), folder.get(), last) != 0) fail("cannot make the link " + shown(entry.name));
    return;
  }
  const Descriptor file(::openat(folder.get(), last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                 entry.executable ? kProgramMode : kFileMode));
  if (file.get() < 0) fail("cannot make " + shown(entry.name));  // also when it is there twice
  reader.read([&](std::string_view piece) { write_all(file.get(), piece, entry.name); });
}

}  // namespace

std::vector<std::string> parts_of(const std::string& name) {
  if (name.empty() || name[0] == '/' || name.find('\0') != std::string::npos)
    throw Refused(shown(name) + " is refused: names in a package are relative");
  std::vector<std::string> parts;
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    std::string part = name.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") throw Refused(shown(name) + " is refused: it leads out of the package");
    if (part.size() > kLongestPart) throw Refused(shown(name) + " is refused: a part of it is too long");
    parts.push_back(std::move(part));
  }
  if (parts.size() > kDeepest) throw Refused(shown(name) + " is refused: it is too deep");
  return parts;
}

// ".." may only stand in front: behind a name that is a link itself it could lead anywhere.
void check_target(const std::string& name, const std::string& target, size_t levels) {
  if (target.empty() || target[0] == '/' || target.find('\0') != std::string::npos)
    throw Refused("the link " + shown(name) + " is refused: its target is not relative");
  bool down = false;
  for (size_t at = 0; at <= target.size();) {
    const size_t end = std::min(target.find('/', at), target.size());
    const std::string part = target.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      down = true;
    } else if (down || levels-- == 0) {
      throw Refused("the link " + shown(name) + " is refused: it leads out of the package");
    }
  }
}

void unpack(int package, const std::string& folder, const Limits& limits, const std::function<void(int)>& percent) {
  const Descriptor root(open_folder(AT_FDCWD, folder.c_str()));
  if (root.get() < 0) fail("cannot use " + folder);
  struct stat info {};
  const uint64_t whole = ::fstat(package, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  TarReader reader(package);
  uint64_t bytes = 0, entries = 0;
  for (Entry entry; reader.next(entry);) {
    if (++entries > limits.entries) throw Refused("it has more than " + std::to_string(limits.entries) + " entries");
    if (entry.size > limits.bytes - bytes)
      throw Refused("it has more than " + std::to_string(limits.bytes) + " bytes when unpacked");
    bytes += entry.size;
    make(root.get(), entry, reader);
    if (whole != 0) percent(static_cast<int>(std::min<uint64_t>(reader.position() * 100 / whole, 99)));
  }
  if (entries == 0) throw Refused("the package is empty");
  if (::syncfs(root.get()) != 0) fail("cannot write " + folder);
}

}  // namespace dtu_package
