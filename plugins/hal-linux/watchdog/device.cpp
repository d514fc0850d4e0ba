#include "watchdog/device.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <dtu/sdk/text.hpp>

#include <array>
#include <cerrno>
#include <system_error>

namespace hal_linux {
namespace {

struct Advice {
  int code;
  const char* text;
};
constexpr std::array kAdvice{
    Advice{ENOENT, "there is no such device: load its driver, or correct \"device\" in board.json"},
    Advice{EACCES, "may not be used: give the service's group the device by a udev rule"},
    Advice{EPERM, "may not be used: allow it in the unit file (DeviceAllow)"},
    Advice{EBUSY, "another program has it: set RuntimeWatchdogSec=off in systemd's system.conf, or stop that program"}};

[[noreturn]] void fail(const std::string& path, int code) {
  for (const Advice& a : kAdvice)
    if (a.code == code) throw dtu::Failure::retryable(DTU_E_IO, path + ": " + a.text);
  throw dtu::Failure::retryable(DTU_E_IO, path + ": " + std::generic_category().message(code));
}

}  // namespace

uint32_t KernelWatchdog::open(const std::string& path, uint32_t timeout_s) {
  path_ = path;
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) fail(path, errno);
  if (!S_ISCHR(st.st_mode)) throw dtu::Failure(DTU_E_INVALID, path + " is no device: name one such as /dev/watchdog");
  fd_ = dtu_port::Descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd_) fail(path, errno);
  watchdog_info info{};
  if (::ioctl(fd_.get(), WDIOC_GETSUPPORT, &info) != 0) {
    fd_.reset();
    throw dtu::Failure(DTU_E_INVALID, path + " is no watchdog: correct \"device\" in board.json");
  }
  int seconds = static_cast<int>(timeout_s);
  if (::ioctl(fd_.get(), WDIOC_SETTIMEOUT, &seconds) != 0) {
    const int code = errno;
    // A driver with one fixed time: it is taken as it is.
    if (::ioctl(fd_.get(), WDIOC_GETTIMEOUT, &seconds) != 0 || seconds <= 0) {
      disarm();
      throw dtu::Failure(DTU_E_UNSUPPORTED, path + ": cannot be set to " + std::to_string(timeout_s) +
                                                " s: " + std::generic_category().message(code));
    }
  }
  return static_cast<uint32_t>(seconds);
}

void KernelWatchdog::kick() {
  int unused = 0;
  if (::ioctl(fd_.get(), WDIOC_KEEPALIVE, &unused) != 0) fail(path_, errno);
}

void KernelWatchdog::disarm() {
  constexpr char kMagic = 'V';
  const ssize_t written = fd_ ? ::write(fd_.get(), &kMagic, 1) : 0;
  (void)written;  // a watchdog that cannot be stopped restarts the board, as it would without us
  fd_.reset();
}

}  // namespace hal_linux
