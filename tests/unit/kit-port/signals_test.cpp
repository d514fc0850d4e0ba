// Modem signals and BREAK, as the driver is asked for them.
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <dtu/kit/port/descriptor.hpp>
#include <dtu/kit/port/signals.hpp>

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): posix_openpt

#include <cerrno>

#include "fake_modem.hpp"

namespace dtu_port {
namespace {

using test::FakeModem;
using testing::HasSubstr;

constexpr int kFd = 1000;  // of nobody
constexpr uint32_t kAll =
    DTU_SIGNAL_DTR | DTU_SIGNAL_RTS | DTU_SIGNAL_CTS | DTU_SIGNAL_DSR | DTU_SIGNAL_DCD | DTU_SIGNAL_RI;

dtu_status code_of(const std::function<void()>& body, std::string& why) {
  try {
    body();
  } catch (const dtu::Failure& f) {
    why = f.what();
    return f.code();
  }
  return DTU_OK;
}

TEST(Signals, AreSwitchedEachForItself) {
  FakeModem modem(kFd);
  modem.bits = TIOCM_DTR | TIOCM_CTS;
  set_signals(kFd, DTU_SIGNAL_RTS, DTU_SIGNAL_RTS);
  EXPECT_EQ(modem.bits, TIOCM_DTR | TIOCM_RTS | TIOCM_CTS);
  set_signals(kFd, DTU_SIGNAL_DTR | DTU_SIGNAL_RTS, DTU_SIGNAL_RTS);
  EXPECT_EQ(modem.bits, TIOCM_RTS | TIOCM_CTS);
  set_signals(kFd, DTU_SIGNAL_RTS, DTU_SIGNAL_DTR);  // a value beside the mask means nothing
  EXPECT_EQ(modem.bits, TIOCM_CTS);
  EXPECT_FALSE(modem.breaks);
}

TEST(Signals, ABreakLastsUntilItIsSwitchedOff) {
  FakeModem modem(kFd);
  set_signals(kFd, DTU_SIGNAL_BREAK, DTU_SIGNAL_BREAK);
  EXPECT_TRUE(modem.breaks);
  set_signals(kFd, DTU_SIGNAL_DTR, DTU_SIGNAL_DTR);
  EXPECT_TRUE(modem.breaks);
  set_signals(kFd, DTU_SIGNAL_BREAK, 0);
  EXPECT_FALSE(modem.breaks);
}

TEST(Signals, OfTheOtherEndAreRead) {
  FakeModem modem(kFd);
  modem.bits = TIOCM_DTR | TIOCM_DSR | TIOCM_CAR | TIOCM_RI;
  const dtu::PortSignals now = signals(kFd);
  EXPECT_EQ(now.known, kAll);
  EXPECT_EQ(now.values, DTU_SIGNAL_DTR | DTU_SIGNAL_DSR | DTU_SIGNAL_DCD | DTU_SIGNAL_RI);
  modem.bits = TIOCM_RTS | TIOCM_CTS;
  EXPECT_EQ(signals(kFd).values, DTU_SIGNAL_RTS | DTU_SIGNAL_CTS);
}

TEST(Signals, OfTheOtherEndAreNotOursToSwitch) {
  FakeModem modem(kFd);
  std::string why;
  EXPECT_EQ(code_of([] { set_signals(kFd, DTU_SIGNAL_CTS, DTU_SIGNAL_CTS); }, why), DTU_E_INVALID);
  EXPECT_EQ(modem.calls, 0);
}

TEST(Signals, ADriverThatFailsIsNamed) {
  FakeModem modem(kFd);
  modem.error = EIO;
  std::string why;
  EXPECT_EQ(code_of([] { set_signals(kFd, DTU_SIGNAL_BREAK, DTU_SIGNAL_BREAK); }, why), DTU_E_IO);
  EXPECT_THAT(why, HasSubstr("break"));
  EXPECT_EQ(code_of([] { (void)signals(kFd); }, why), DTU_E_IO);
  EXPECT_THAT(why, HasSubstr("modem signals"));
}

TEST(Signals, APtyHasNone) {
  const Descriptor pty(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::string why;
  EXPECT_EQ(code_of([&] { set_signals(pty.get(), DTU_SIGNAL_DTR, 0); }, why), DTU_E_UNSUPPORTED);
  EXPECT_EQ(code_of([&] { (void)signals(pty.get()); }, why), DTU_E_UNSUPPORTED);
  EXPECT_THAT(why, HasSubstr("a pty has none"));
}

}  // namespace
}  // namespace dtu_port
