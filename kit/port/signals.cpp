#include <dtu/kit/port/signals.hpp>

#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

namespace dtu_port {
namespace {

struct ModemBit {
  uint32_t signal;
  int bit;
};
constexpr std::array kModemBits{ModemBit{DTU_SIGNAL_DTR, TIOCM_DTR}, ModemBit{DTU_SIGNAL_RTS, TIOCM_RTS},
                                ModemBit{DTU_SIGNAL_CTS, TIOCM_CTS}, ModemBit{DTU_SIGNAL_DSR, TIOCM_DSR},
                                ModemBit{DTU_SIGNAL_DCD, TIOCM_CAR}, ModemBit{DTU_SIGNAL_RI, TIOCM_RI}};
constexpr uint32_t kOurs = DTU_SIGNAL_DTR | DTU_SIGNAL_RTS | DTU_SIGNAL_BREAK;

[[noreturn]] void fail(const char* what, int code) {
  if (code == ENOTTY || code == EINVAL)
    throw dtu::Failure(DTU_E_UNSUPPORTED, std::string("this line has no ") + what + " (a pty has none)");
  throw dtu::Failure::retryable(
      DTU_E_IO, std::string("the driver does not take ") + what + ": " + std::generic_category().message(code));
}

int modem_bits(uint32_t signals) {
  int bits = 0;
  for (const ModemBit& m : kModemBits)
    if ((signals & m.signal & kOurs) != 0) bits |= m.bit;
  return bits;
}

}  // namespace

void set_signals(int fd, uint32_t mask, uint32_t values) {
  if ((mask & ~kOurs) != 0) throw dtu::Failure(DTU_E_INVALID, "only DTR, RTS and BREAK can be switched");
  const int on = modem_bits(mask & values), off = modem_bits(mask & ~values);
  if (on != 0 && ioctl(fd, TIOCMBIS, &on) != 0) fail("modem signals", errno);
  if (off != 0 && ioctl(fd, TIOCMBIC, &off) != 0) fail("modem signals", errno);
  if ((mask & DTU_SIGNAL_BREAK) == 0) return;
  if (ioctl(fd, (values & DTU_SIGNAL_BREAK) != 0 ? TIOCSBRK : TIOCCBRK) != 0) fail("break", errno);
}

dtu::PortSignals signals(int fd) {
  int bits = 0;
  if (ioctl(fd, TIOCMGET, &bits) != 0) fail("modem signals", errno);
  dtu::PortSignals now;
  for (const ModemBit& m : kModemBits) {
    now.known |= m.signal;
    if ((bits & m.bit) != 0) now.values |= m.signal;
  }
  return now;
}

}  // namespace dtu_port
