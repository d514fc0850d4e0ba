#include "pty.hpp"

#include <fcntl.h>
#include <pty.h>
#include <termios.h>

#include <array>
#include <stdexcept>

namespace e2e {

Pty::Pty() {
  int master = -1, slave = -1;
  std::array<char, 128> name{};
  termios raw{};
  ::cfmakeraw(&raw);
  raw.c_cflag |= CREAD;
  if (::openpty(&master, &slave, name.data(), &raw, nullptr) != 0) throw std::runtime_error("openpty failed");
  fd_ = Descriptor(master);
  const Descriptor other(slave);
  ::fcntl(master, F_SETFL, O_NONBLOCK);
  ::fcntl(master, F_SETFD, FD_CLOEXEC);
  device_ = name.data();
}

}  // namespace e2e
