#include "pty.hpp"

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): ptsname_r is POSIX, not C++
#include <dtu/kit/port/line_settings.hpp>
#include <dtu/sdk/text.hpp>

#include <array>
#include <cerrno>
#include <system_error>

namespace hal_sim {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw dtu::Failure::retryable(DTU_E_IO, what + ": " + std::generic_category().message(errno));
}

}  // namespace

Pty::Pty() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) {
  std::array<char, 64> name{};
  if (!master_) fail("cannot create a pty (see /proc/sys/kernel/pty/max)");
  if (grantpt(master_.get()) != 0 || unlockpt(master_.get()) != 0 ||
      ptsname_r(master_.get(), name.data(), name.size()) != 0)
    fail("the pty cannot be set up");
  device_ = name.data();
  keep_open();
}

void Pty::keep_open() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  keeper_ = dtu_port::Descriptor(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!keeper_) fail(device_ + " cannot be opened");
  dtu_port::apply_settings(keeper_.get(), settings_, true);
}

dtu_port::Descriptor Pty::end() const {
  dtu_port::Descriptor copy(fcntl(master_.get(), F_DUPFD_CLOEXEC, 0));  // NOLINT(cppcoreguidelines-pro-type-vararg)
  if (!copy) fail("no descriptor available for " + device_);
  return copy;
}

void Pty::settings(const dtu_port_settings& settings) {
  settings_ = settings;
  dtu_port::apply_settings(master_.get(), settings_, true);
}

}  // namespace hal_sim
