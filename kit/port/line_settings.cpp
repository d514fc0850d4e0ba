// Speaks termios2, the kernel's own interface: <termios.h> cannot express speeds without a name, and the two headers
// cannot be included together.
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <sys/ioctl.h>
#include <dtu/kit/port/line_settings.hpp>
#include <dtu/sdk/text.hpp>

#include <array>
#include <cerrno>
#include <system_error>

namespace dtu_port {
namespace {

struct NamedSpeed {
  uint32_t baud;
  tcflag_t code;
};
// Speeds with a name are set by it, so that stty and tcgetattr() can show them; any other goes as BOTHER.
constexpr std::array kNamedSpeeds{
    NamedSpeed{50, B50},           NamedSpeed{75, B75},           NamedSpeed{110, B110},
    NamedSpeed{134, B134},         NamedSpeed{150, B150},         NamedSpeed{200, B200},
    NamedSpeed{300, B300},         NamedSpeed{600, B600},         NamedSpeed{1200, B1200},
    NamedSpeed{1800, B1800},       NamedSpeed{2400, B2400},       NamedSpeed{4800, B4800},
    NamedSpeed{9600, B9600},       NamedSpeed{19200, B19200},     NamedSpeed{38400, B38400},
    NamedSpeed{57600, B57600},     NamedSpeed{115200, B115200},   NamedSpeed{230400, B230400},
    NamedSpeed{460800, B460800},   NamedSpeed{500000, B500000},   NamedSpeed{576000, B576000},
    NamedSpeed{921600, B921600},   NamedSpeed{1000000, B1000000}, NamedSpeed{1152000, B1152000},
    NamedSpeed{1500000, B1500000}, NamedSpeed{2000000, B2000000}, NamedSpeed{2500000, B2500000},
    NamedSpeed{3000000, B3000000}, NamedSpeed{3500000, B3500000}, NamedSpeed{4000000, B4000000}};

constexpr std::array<tcflag_t, 4> kSizes{CS5, CS6, CS7, CS8};  // by databits - 5
constexpr std::array<tcflag_t, 5> kParities{0, PARENB, PARENB | PARODD, PARENB | PARODD | CMSPAR, PARENB | CMSPAR};
constexpr std::array<char, 5> kParityLetters{'N', 'E', 'O', 'M', 'S'};
constexpr std::array<const char*, 4> kStopBits{"", "1", "2", "1.5"};       // by DTU_STOP_...
constexpr std::array<const char*, 3> kFlows{"", " RTS/CTS", " XON/XOFF"};  // by DTU_FLOW_...
constexpr cc_t kXon = 0x11, kXoff = 0x13;                                  // DC1 and DC3
constexpr tcflag_t kFrameFlags = CSIZE | PARENB | PARODD | CMSPAR | CSTOPB | CRTSCTS;
constexpr uint32_t kSpeedTolerance = 50;  // 1/50: 2 %, half of what a receiver stands

tcflag_t speed_code(uint32_t baud) {
  for (const NamedSpeed& s : kNamedSpeeds)
    if (s.baud == baud) return s.code;
  return BOTHER;
}

tcflag_t frame_flags(const dtu_port_settings& s) {
  tcflag_t flags = kSizes.at(s.databits - 5) | kParities.at(s.parity);
  if (s.stopbits != DTU_STOP_1) flags |= CSTOPB;  // with 5 data bits a UART makes one and a half of two
  if (s.flow == DTU_FLOW_RTSCTS) flags |= CRTSCTS;
  return flags;
}

void check(const char* name, uint32_t value, uint32_t min, uint32_t max, const char* allowed) {
  if (value >= min && value <= max) return;
  throw dtu::Failure(DTU_E_INVALID, std::string(name) + " " + std::to_string(value) + " is not possible: " + allowed);
}

[[noreturn]] void throw_errno(int fd, int code) {
  if (code == ENOTTY || code == EINVAL)
    throw dtu::Failure(DTU_E_INVALID, "not a serial line: choose a tty, such as /dev/ttyS1 or /dev/ttyUSB0");
  throw dtu::Failure::retryable(
      DTU_E_IO, code == EIO ? "no hardware answers behind this device"
                            : "descriptor " + std::to_string(fd) + ": " + std::generic_category().message(code));
}

void check_result(const dtu_port_settings& s, const termios2& got) {
  const uint32_t off = got.c_ospeed > s.baud ? got.c_ospeed - s.baud : s.baud - got.c_ospeed;
  if (off > s.baud / kSpeedTolerance)
    throw dtu::Failure(DTU_E_UNSUPPORTED, "the driver cannot do " + std::to_string(s.baud) +
                                              " baud, the nearest it offers is " + std::to_string(got.c_ospeed) +
                                              ": choose a speed this port can do");
  const tcflag_t xonxoff = s.flow == DTU_FLOW_XONXOFF ? IXON | IXOFF : 0;
  if ((got.c_cflag & kFrameFlags) != frame_flags(s) || (got.c_iflag & (IXON | IXOFF)) != xonxoff)
    throw dtu::Failure(DTU_E_UNSUPPORTED,
                       "the driver cannot do " + to_text(s) +
                           ": choose data bits, parity, stop bits and flow control this port can do");
}

}  // namespace

void check_settings(const dtu_port_settings& s) {
  check("baud rate", s.baud, kMinBaud, kMaxBaud, "50 to 12000000 are allowed");
  check("data bits", s.databits, 5, 8, "5 to 8 are allowed");
  check("parity", s.parity, DTU_PARITY_NONE, DTU_PARITY_SPACE,
        "0 (none), 1 (even), 2 (odd), 3 (mark) and 4 (space) are allowed");
  check("stop bits", s.stopbits, DTU_STOP_1, DTU_STOP_1_5, "1, 2 and 3 (1.5) are allowed");
  if (s.stopbits == DTU_STOP_1_5 && s.databits != 5)
    throw dtu::Failure(DTU_E_UNSUPPORTED, "1.5 stop bits go with 5 data bits only: choose 1 or 2");
  check("flow control", s.flow, DTU_FLOW_NONE, DTU_FLOW_XONXOFF, "0 (none), 1 (RTS/CTS) and 2 (XON/XOFF) are allowed");
}

std::string to_text(const dtu_port_settings& s) {
  return std::to_string(s.baud) + " " + std::to_string(s.databits) + kParityLetters.at(s.parity) +
         kStopBits.at(s.stopbits) + kFlows.at(s.flow);
}

void apply_settings(int fd, const dtu_port_settings& s, bool pty) {
  termios2 t{};
  if (ioctl(fd, TCGETS2, &t) != 0) throw_errno(fd, errno);
  // Every byte passes: no line editing, no translation. A byte with a parity error passes too (the driver counts it); a
  // break is no byte. Under XON/XOFF the driver takes those two bytes out and sends them; any other byte passes, and
  // only XON starts the line again.
  t.c_iflag = IGNBRK;
  if (s.flow == DTU_FLOW_XONXOFF) t.c_iflag |= IXON | IXOFF;
  t.c_cc[VSTART] = kXon;
  t.c_cc[VSTOP] = kXoff;
  t.c_oflag = 0;
  t.c_lflag = 0;
  t.c_cflag = frame_flags(s) | speed_code(s.baud) | CREAD | CLOCAL;
  t.c_ispeed = t.c_ospeed = s.baud;
  // read() returns as soon as there is a byte, and 0 only for a hang-up.
  t.c_cc[VMIN] = 1;
  t.c_cc[VTIME] = 0;
  if (ioctl(fd, TCSETS2, &t) != 0) throw_errno(fd, errno);
  if (pty) return;
  if (ioctl(fd, TCGETS2, &t) != 0) throw_errno(fd, errno);
  check_result(s, t);
}

}  // namespace dtu_port
