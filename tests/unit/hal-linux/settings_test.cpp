// Serial settings, as they end up in the driver.
#include <fcntl.h>
#include <termios.h>
#include <dtu/kit/port/line_settings.hpp>
#include <dtu/sdk/text.hpp>

#include "fixture.hpp"
#include "rs485.hpp"

namespace hal_linux::test {
namespace {

using dtu_port::Descriptor;

struct Slave {
  std::string device;
  Descriptor master = make_pty(&device);
  Descriptor fd{::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  termios get() const {
    termios t{};
    EXPECT_EQ(tcgetattr(fd.get(), &t), 0);
    return t;
  }
};

struct NamedSpeed {
  uint32_t baud;
  speed_t code;
};
void PrintTo(const NamedSpeed& speed, std::ostream* out) { *out << speed.baud << " baud"; }
class NamedSpeeds : public testing::TestWithParam<NamedSpeed> {};
TEST_P(NamedSpeeds, AreSeenByTcgetattr) {
  const Slave slave;
  dtu_port::apply_settings(slave.fd.get(), settings(GetParam().baud), true);
  const termios t = slave.get();
  EXPECT_EQ(cfgetospeed(&t), GetParam().code);
  EXPECT_EQ(cfgetispeed(&t), GetParam().code);
}
INSTANTIATE_TEST_SUITE_P(
    All, NamedSpeeds,
    testing::Values(NamedSpeed{50, B50}, NamedSpeed{75, B75}, NamedSpeed{110, B110}, NamedSpeed{134, B134},
                    NamedSpeed{150, B150}, NamedSpeed{200, B200}, NamedSpeed{300, B300}, NamedSpeed{600, B600},
                    NamedSpeed{1200, B1200}, NamedSpeed{1800, B1800}, NamedSpeed{2400, B2400}, NamedSpeed{4800, B4800},
                    NamedSpeed{9600, B9600}, NamedSpeed{19200, B19200}, NamedSpeed{38400, B38400},
                    NamedSpeed{57600, B57600}, NamedSpeed{115200, B115200}, NamedSpeed{230400, B230400},
                    NamedSpeed{460800, B460800}, NamedSpeed{500000, B500000}, NamedSpeed{576000, B576000},
                    NamedSpeed{921600, B921600}, NamedSpeed{1000000, B1000000}, NamedSpeed{1152000, B1152000},
                    NamedSpeed{1500000, B1500000}, NamedSpeed{2000000, B2000000}, NamedSpeed{2500000, B2500000},
                    NamedSpeed{3000000, B3000000}, NamedSpeed{3500000, B3500000}, NamedSpeed{4000000, B4000000}),
    [](const auto& p) { return "baud" + std::to_string(p.param.baud); });

class OtherSpeeds : public testing::TestWithParam<uint32_t> {};
TEST_P(OtherSpeeds, AreSetExactly) {
  const Slave slave;
  dtu_port::apply_settings(slave.fd.get(), settings(GetParam()), true);
  EXPECT_EQ(dtu::test::kernel_speed(slave.fd.get()), GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, OtherSpeeds, testing::Values(51, 7200, 14400, 31250, 250000, 6000000, 12000000));

TEST(Settings, ALineIsRaw) {
  const Slave slave;
  dtu_port::apply_settings(slave.fd.get(), settings(), true);
  const termios t = slave.get();
  EXPECT_EQ(t.c_iflag, static_cast<tcflag_t>(IGNBRK));
  EXPECT_EQ(t.c_oflag, 0U);
  EXPECT_EQ(t.c_lflag, 0U);
  EXPECT_EQ(t.c_cflag & (CREAD | CLOCAL), static_cast<tcflag_t>(CREAD | CLOCAL));
  EXPECT_EQ(t.c_cc[VMIN], 1);
  EXPECT_EQ(t.c_cc[VTIME], 0);
}

// A pty keeps 8N whatever is asked, so of the frame only what it does keep can be read back.
TEST(Settings, StopBitsAndFlowControl) {
  const Slave slave;
  dtu_port_settings s = settings();
  s.stopbits = 2;
  s.flow = DTU_FLOW_RTSCTS;
  dtu_port::apply_settings(slave.fd.get(), s, true);
  EXPECT_EQ(slave.get().c_cflag & (CSTOPB | CRTSCTS), static_cast<tcflag_t>(CSTOPB | CRTSCTS));
  dtu_port::apply_settings(slave.fd.get(), settings(), true);
  EXPECT_EQ(slave.get().c_cflag & (CSTOPB | CRTSCTS), 0U);
}

TEST(Settings, XonXoffIsTheDriversBusiness) {
  const Slave slave;
  dtu_port_settings s = settings();
  s.flow = DTU_FLOW_XONXOFF;
  dtu_port::apply_settings(slave.fd.get(), s, true);
  termios t = slave.get();
  EXPECT_EQ(t.c_iflag, static_cast<tcflag_t>(IGNBRK | IXON | IXOFF));
  EXPECT_EQ(t.c_cc[VSTART], 0x11);
  EXPECT_EQ(t.c_cc[VSTOP], 0x13);
  EXPECT_EQ(t.c_cflag & CRTSCTS, 0U);
  EXPECT_EQ(dtu_port::to_text(s), "115200 8N1 XON/XOFF");
  dtu_port::apply_settings(slave.fd.get(), settings(), true);
  EXPECT_EQ(slave.get().c_iflag, static_cast<tcflag_t>(IGNBRK));
}

TEST(Settings, MarkSpaceAndOneAndAHalf) {
  dtu_port_settings s = settings(9600);
  s.parity = DTU_PARITY_MARK;
  EXPECT_EQ(dtu_port::to_text(s), "9600 8M1");
  s.parity = DTU_PARITY_SPACE;
  s.stopbits = DTU_STOP_1_5;
  s.databits = 5;
  EXPECT_EQ(dtu_port::to_text(s), "9600 5S1.5");
  EXPECT_NO_THROW(dtu_port::check_settings(s));
  s.databits = 8;
  EXPECT_THROW(dtu_port::check_settings(s), dtu::Failure);
  s.stopbits = DTU_STOP_1;
  s.parity = DTU_PARITY_SPACE + 1;
  EXPECT_THROW(dtu_port::check_settings(s), dtu::Failure);
}

TEST(Settings, APtyMayIgnoreThem) {
  const Slave slave;
  dtu_port_settings s = settings();
  s.databits = 7;
  s.parity = DTU_PARITY_EVEN;
  EXPECT_NO_THROW(dtu_port::apply_settings(slave.fd.get(), s, true));
}

// The same line taken for a UART: what the driver did not do is named.
TEST(Settings, AUartMayNotIgnoreThem) {
  const Slave slave;
  dtu_port_settings s = settings(9600);
  s.databits = 7;
  s.parity = DTU_PARITY_EVEN;
  try {
    dtu_port::apply_settings(slave.fd.get(), s, false);
    FAIL() << "a pty cannot do 7E1";
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_UNSUPPORTED);
    EXPECT_THAT(f.what(), HasSubstr("9600 7E1"));
  }
}

TEST(Settings, ARegularFileIsNoLine) {
  const TempDir dir;
  const Descriptor file(::open((dir / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  try {
    dtu_port::apply_settings(file.get(), settings(), false);
    FAIL() << "a regular file has no settings";
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_INVALID);
    EXPECT_THAT(f.what(), HasSubstr("not a serial line"));
  }
}

struct Wrong {
  const char* name;
  dtu_port_settings s;
  const char* said;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }
class WrongSettings : public testing::TestWithParam<Wrong> {};
TEST_P(WrongSettings, AreNamed) {
  try {
    dtu_port::check_settings(GetParam().s);
    FAIL() << "taken as right";
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_INVALID);
    EXPECT_THAT(f.what(), testing::StartsWith(GetParam().said));
    EXPECT_THAT(f.what(), HasSubstr("allowed"));
  }
}
constexpr uint32_t kSize = sizeof(dtu_port_settings);
INSTANTIATE_TEST_SUITE_P(All, WrongSettings,
                         testing::Values(Wrong{"baud_0", {kSize, 0, 8, 0, 1, 0, -1, 1}, "baud rate 0 "},
                                         Wrong{"baud_49", {kSize, 49, 8, 0, 1, 0, -1, 1}, "baud rate 49 "},
                                         Wrong{
                                             "baud_high", {kSize, 12000001, 8, 0, 1, 0, -1, 1}, "baud rate 12000001 "},
                                         Wrong{"bits_4", {kSize, 9600, 4, 0, 1, 0, -1, 1}, "data bits 4 "},
                                         Wrong{"bits_9", {kSize, 9600, 9, 0, 1, 0, -1, 1}, "data bits 9 "},
                                         Wrong{"parity_5", {kSize, 9600, 8, 5, 1, 0, -1, 1}, "parity 5 "},
                                         Wrong{"stop_0", {kSize, 9600, 8, 0, 0, 0, -1, 1}, "stop bits 0 "},
                                         Wrong{"stop_4", {kSize, 9600, 8, 0, 4, 0, -1, 1}, "stop bits 4 "},
                                         Wrong{"flow_3", {kSize, 9600, 8, 0, 1, 3, -1, 1}, "flow control 3 "}),
                         [](const auto& p) { return p.param.name; });

TEST(Rs485, IsRefusedByAPtyWithAWayOut) {
  const Slave slave;
  Rs485Config c;
  c.kernel = true;
  try {
    apply_rs485(slave.fd.get(), c, settings());
    FAIL() << "a pty has no RS-485";
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_UNSUPPORTED);
    EXPECT_THAT(f.what(), HasSubstr("\"mode\": \"off\""));
  }
}

TEST(Rs485, DoesNotGoWithRtsCts) {
  const Slave slave;
  Rs485Config c;
  c.kernel = true;
  dtu_port_settings s = settings();
  s.flow = DTU_FLOW_RTSCTS;
  try {
    apply_rs485(slave.fd.get(), c, s);
    FAIL() << "RTS cannot do both";
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_INVALID);
  }
}

TEST(Rs485, OffIsNoErrorWhereThereIsNone) {
  const Slave slave;
  EXPECT_NO_THROW(apply_rs485(slave.fd.get(), Rs485Config{}, settings()));
}

}  // namespace
}  // namespace hal_linux::test
