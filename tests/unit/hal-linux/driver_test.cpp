// RS-485 and low latency with a driver that has them, and one that trims what it is asked for.
#include <gmock/gmock.h>
#include <dtu/sdk/text.hpp>

#include <cerrno>

#include "fake_driver.hpp"
#include "low_latency.hpp"
#include "rs485.hpp"

namespace hal_linux {
namespace {

using test::FakeDriver;
using testing::HasSubstr;

constexpr int kFd = 1000;  // of nobody
constexpr dtu_port_settings kSettings{
    sizeof(dtu_port_settings), 9600, 8, DTU_PARITY_NONE, DTU_STOP_1, DTU_FLOW_NONE, -1, 1};

std::string refusal(const Rs485Config& c) {
  try {
    apply_rs485(kFd, c, kSettings);
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_UNSUPPORTED);
    return f.what();
  }
  return "";
}

Rs485Config kernel_mode() {
  Rs485Config c;
  c.kernel = true;
  return c;
}

TEST(Rs485Driver, GetsWhatIsConfigured) {
  FakeDriver driver(kFd);
  Rs485Config c = kernel_mode();
  EXPECT_EQ(refusal(c), "");
  EXPECT_EQ(driver.rs485.flags, static_cast<uint32_t>(SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND))
      << "by default it does not hear itself";
  c.rx_during_tx = true;
  c.rts_on_send = false;
  c.delay_after_ms = 2;
  EXPECT_EQ(refusal(c), "");
  EXPECT_EQ(driver.rs485.flags,
            static_cast<uint32_t>(SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX));
  EXPECT_EQ(driver.rs485.delay_rts_after_send, 2U);
}

TEST(Rs485Driver, OneThatTrimsIsRefused) {
  FakeDriver driver(kFd);
  Rs485Config c = kernel_mode();
  driver.cannot_flags = SER_RS485_RTS_ON_SEND;
  EXPECT_THAT(refusal(c), HasSubstr("\"rts_on_send\": false"));
  driver.cannot_flags = SER_RS485_RX_DURING_TX;
  EXPECT_EQ(refusal(c), "");
  c.rx_during_tx = true;
  EXPECT_THAT(refusal(c), HasSubstr("\"rx_during_tx\": false"));
  driver.cannot_flags = 0;
  driver.longest_delay_ms = 1;
  c.delay_before_ms = 5;
  EXPECT_THAT(refusal(c), HasSubstr("delay_before_ms 1 and delay_after_ms 0"));
}

TEST(LowLatency, IsSetWhereTheDriverHasIt) {
  FakeDriver driver(kFd);
  driver.serial.flags = ASYNC_SPD_CUST;
  EXPECT_EQ(set_low_latency(kFd), "");
  EXPECT_EQ(driver.serial.flags, ASYNC_SPD_CUST | ASYNC_LOW_LATENCY) << "what else is set stays";
  driver.error = EPERM;
  EXPECT_EQ(set_low_latency(kFd), "") << "it is set already";
}

TEST(LowLatency, ADriverThatCannotSaysWhy) {
  FakeDriver driver(kFd);
  driver.error = EPERM;
  EXPECT_EQ(set_low_latency(kFd), "Operation not permitted");
  driver.error = 0;
  driver.cannot_low_latency = true;
  EXPECT_EQ(set_low_latency(kFd), "the driver ignores it");
}

}  // namespace
}  // namespace hal_linux
