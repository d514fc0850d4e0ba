#include "control/listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "log/file_kind.hpp"

namespace dtud::control {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw std::runtime_error("control socket " + path + ": " + what);
}

[[noreturn]] void fail_errno(const std::string& path, const std::string& what) {
  fail(path, what + ": " + std::generic_category().message(errno));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (const std::string why = why_no_socket(path); !why.empty())
    throw std::runtime_error("control socket " + path + why);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor new_socket(const std::string& path) {
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail_errno(path, "cannot create a socket");
  return fd;
}

void remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return;  // nothing there, or bind() will say
  if (!S_ISSOCK(found.st_mode)) fail(path, "something else was put there just now");
  const Descriptor probe = new_socket(path);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN) {
    ucred owner{};
    socklen_t size = sizeof owner;
    const bool known = ::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &owner, &size) == 0 && owner.pid > 0;
    fail(path, "another dtud uses it" + (known ? " (process " + std::to_string(owner.pid) + ")" : std::string()) +
                   "; stop it, or choose another socket");
  }
  if (errno != ECONNREFUSED && errno != ENOENT) fail_errno(path, "cannot check whether another dtud uses it");
  ::unlink(path.c_str());
}

}  // namespace

std::string why_no_socket(const std::string& path) {
  constexpr size_t kLongest = sizeof sockaddr_un::sun_path - 1;
  if (path.empty()) return ": no path is given";
  if (path.size() > kLongest)
    return " has " + std::to_string(path.size()) + " bytes: at most " + std::to_string(kLongest) + " are allowed";
  if (path.back() == '/') return " is the name of a folder: name a file in it";
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || S_ISSOCK(found.st_mode)) return "";
  if (S_ISDIR(found.st_mode)) return " is a folder: name a file in it";
  return std::string(" is ") + (S_ISLNK(found.st_mode) ? "a link" : kind_of_file(found.st_mode)) +
         ", no socket: remove it, or name another path";
}

Listener::Listener(const std::string& path, mode_t mode) : path_(path) {
  const sockaddr_un address = address_of(path);
  std::error_code ec;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, ec);
  if (ec) fail(path, "cannot create the directory " + parent.string() + ": " + ec.message());
  remove_stale(path, address);

  Descriptor fd = new_socket(path);
  // The mode of an unbound socket becomes that of its file: there is no moment in which more may connect.
  if (::fchmod(fd.get(), mode) != 0) fail_errno(path, "cannot set the mode");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail_errno(path, "cannot bind to the path");
  struct stat made {};
  if (::chmod(path.c_str(), mode) != 0 || ::lstat(path.c_str(), &made) != 0) fail_errno(path, "cannot set the mode");
  device_ = made.st_dev;
  inode_ = made.st_ino;
  group_ = made.st_gid;
  if (::listen(fd.get(), 64) != 0) fail_errno(path, "cannot listen");
  spare_ = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  fd_ = std::move(fd);
}

Descriptor Listener::accept(unsigned& dropped) {
  for (;;) {
    Descriptor peer(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (peer || errno == EAGAIN) return peer;
    if (errno == EMFILE || errno == ENFILE) {
      // accept4 says so before it looks whether anybody is there.
      spare_.close();
      Descriptor unlucky(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const bool somebody = static_cast<bool>(unlucky);
      unlucky.close();  // first, or there is no room for the spare one
      spare_ = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!somebody) return {};
      ++dropped;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return {};
    }
  }
}

void Listener::close() {
  if (!fd_) return;
  fd_.close();
  struct stat now {};
  if (::lstat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace dtud::control
