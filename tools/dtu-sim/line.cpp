#include "line.hpp"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

namespace sim {
namespace {

speed_t speed(int64_t baud) {
  struct Rate {
    int64_t baud;
    speed_t code;
  };
  constexpr std::array<Rate, 12> kRates{{{1200, B1200},
                                         {2400, B2400},
                                         {4800, B4800},
                                         {9600, B9600},
                                         {19200, B19200},
                                         {38400, B38400},
                                         {57600, B57600},
                                         {115200, B115200},
                                         {230400, B230400},
                                         {460800, B460800},
                                         {500000, B500000},
                                         {921600, B921600}}};
  for (const Rate& rate : kRates)
    if (rate.baud == baud) return rate.code;
  throw std::runtime_error("--baud " + std::to_string(baud) + " is none of 1200 to 921600 that serial lines have");
}

void make_raw(int fd, int64_t baud) {
  termios settings{};
  if (tcgetattr(fd, &settings) != 0) return;  // not a terminal: nothing to set
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  cfsetspeed(&settings, speed(baud));
  tcsetattr(fd, TCSANOW, &settings);
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Line::Line(LineSettings settings) : settings_(std::move(settings)) {
  const int given = static_cast<int>(!settings_.port.empty()) + static_cast<int>(!settings_.pty.empty()) +
                    static_cast<int>(!settings_.tcp.empty());
  if (given != 1) throw std::runtime_error("give one of --port, --pty and --tcp");
  name_ = settings_.port + settings_.pty + settings_.tcp;
  speed(settings_.baud);
  if (!settings_.pty.empty()) make_pty();
}

Line::~Line() {
  if (!settings_.pty.empty()) unlink(settings_.pty.c_str());
}

void Line::make_pty() {
  Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, 64> device{};
  if (master.get() < 0 || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0 ||
      ptsname_r(master.get(), device.data(), device.size()) != 0)
    throw std::runtime_error("cannot make a pseudo terminal: " + std::string(std::strerror(errno)));
  far_end_ = Fd(::open(device.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  make_raw(far_end_.get(), settings_.baud);
  // A link left by a run that was killed may be replaced; a file that is not a link is somebody's.
  std::array<char, 2> target{};
  if (readlink(settings_.pty.c_str(), target.data(), target.size()) >= 0) unlink(settings_.pty.c_str());
  if (far_end_.get() < 0 || symlink(device.data(), settings_.pty.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    const std::string path = std::exchange(settings_.pty, "");  // not ours to remove
    throw std::runtime_error("cannot link " + path + " to " + device.data() + ": " + why);
  }
  fd_ = std::move(master);
}

bool Line::fail(const std::string& what) {
  error_ = what + ": " + std::strerror(errno);
  return false;
}

bool Line::open() {
  if (is_open()) return true;
  return settings_.tcp.empty() ? open_device() : open_tcp();
}

bool Line::open_device() {
  Fd fd(::open(settings_.port.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return fail("cannot open " + settings_.port);
  make_raw(fd.get(), settings_.baud);
  fd_ = std::move(fd);
  return true;
}

bool Line::open_tcp() {
  const size_t colon = settings_.tcp.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("--tcp needs HOST:PORT, not " + settings_.tcp);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int found =
      getaddrinfo(settings_.tcp.substr(0, colon).c_str(), settings_.tcp.substr(colon + 1).c_str(), &hints, &list);
  if (found != 0) {
    error_ = "cannot find " + settings_.tcp + ": " + gai_strerror(found);
    return false;
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    Fd fd(socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol));
    if (fd.get() < 0 || connect(fd.get(), a->ai_addr, a->ai_addrlen) != 0) continue;
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    fd_ = std::move(fd);
    return true;
  }
  return fail("cannot connect to " + settings_.tcp);
}

std::string Line::read() {
  std::array<char, 65536> room;  // not cleared: read() says how much of it counts
  const ssize_t got = ::read(fd(), room.data(), room.size());
  if (got > 0) return {room.data(), static_cast<size_t>(got)};
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return "";
  if (got == 0) errno = EPIPE;  // the other side hung up
  fail("the line ended");
  close();
  return "";
}

size_t Line::write(std::string_view bytes) {
  const ssize_t done = ::write(fd(), bytes.data(), bytes.size());
  if (done >= 0) return static_cast<size_t>(done);
  if (errno == EAGAIN || errno == EINTR) return 0;
  fail("the line ended");
  close();
  return 0;
}

bool Line::drained() const {
  int left = 0;
  const bool own = far_end_.get() >= 0;
  return ioctl(own ? far_end_.get() : fd(), own ? FIONREAD : TIOCOUTQ, &left) != 0 || left == 0;
}

void Line::close() {
  if (settings_.pty.empty()) fd_.reset();
}

}  // namespace sim
