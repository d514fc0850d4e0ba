#include "client_socket.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <grp.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "failure.hpp"

namespace dtuctl {
namespace {

using Clock = ClientSocket::Clock;
constexpr std::chrono::milliseconds kSecond{1000};

int milliseconds(Clock::duration d) {
  return static_cast<int>(std::max<long long>(std::chrono::ceil<std::chrono::milliseconds>(d).count(), 0));
}

// "root or a member of the group dtukit"
std::string who_may(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return "root";
  const group* g = ::getgrgid(st.st_gid);
  return "root or a member of the group " + (g != nullptr ? std::string(g->gr_name) : std::to_string(st.st_gid));
}

[[noreturn]] void unreachable(const std::string& path, int error) {
  if (error == EACCES || error == EPERM)
    throw Failure(kUnreachable, "no permission to connect to dtud at " + path + "; be " + who_may(path));
  throw Failure(kUnreachable, "no dtud answers at " + path + " (" + std::generic_category().message(error) +
                                  ")\n  start it:           dtud --board /etc/dtukit/board.json   (or its service)"
                                  "\n  another socket:     dtuctl --socket PATH ..., or set DTUKIT_SOCKET");
}

}  // namespace

Interrupts::Interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  fd_ = dtud::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

ClientSocket::~ClientSocket() {
  if (dots_) std::fputs("\n", stderr);
}

void ClientSocket::dot() {
  std::fputs(dots_ ? "." : "dtuctl: waiting for dtud .", stderr);
  dots_ = true;
}

bool ClientSocket::wait(short events, Clock::time_point deadline) {
  auto next_dot = Clock::now() + kSecond;
  for (;;) {
    std::array<pollfd, 2> fds{{{fd(), events, 0}, {interrupts_, POLLIN, 0}}};
    // Without dots, a minute is as good as any: the deadline is looked at again.
    const auto until = std::min(deadline, progress_ ? next_dot : Clock::now() + std::chrono::minutes(1));
    const int n = ::poll(fds.data(), fds.size(), milliseconds(until - Clock::now()));
    if (n > 0 && fds[1].revents != 0) {
      interrupted_ = true;
      return false;
    }
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) throw Poco::IOException("poll: " + std::generic_category().message(errno));
    if (Clock::now() >= deadline) {
      timed_out_ = true;
      return false;
    }
    if (progress_ && Clock::now() >= next_dot) {
      dot();
      next_dot += kSecond;
    }
  }
}

int ClientSocket::sendBytes(const void* buffer, int length, int flags) {
  try {
    return WireSocket::sendBytes(buffer, length, flags);
  } catch (const Poco::Net::ConnectionAbortedException&) {
    return length;  // a server that refuses closes early: its answer may still be read
  }
}

dtud::Descriptor connect_to(const std::string& path, Clock::time_point deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    throw Failure(kUsage, "the path of a socket has 1 to 107 bytes: \"" + path + "\"");
  std::memcpy(address.sun_path, path.data(), path.size());
  for (;;) {
    dtud::Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) throw Failure(kUnreachable, "cannot create a socket: " + std::generic_category().message(errno));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    if (errno != EAGAIN && errno != EINTR) unreachable(path, errno);
    if (Clock::now() >= deadline)
      throw Failure(kTimeout, "dtud does not accept connections at " + path + "; it may hang: see its log");
    ::poll(nullptr, 0, 20);  // a full queue of connections cannot be waited for
  }
}

}  // namespace dtuctl
