#include "rs485.hpp"

#include <linux/serial.h>
#include <sys/ioctl.h>
#include <dtu/sdk/text.hpp>

#include <cerrno>
#include <system_error>

namespace hal_linux {
namespace {

void switch_off(int fd) {
  serial_rs485 rs{};
  if (ioctl(fd, TIOCGRS485, &rs) != 0 || (rs.flags & SER_RS485_ENABLED) == 0) return;  // cannot, or is off
  rs.flags &= ~static_cast<uint32_t>(SER_RS485_ENABLED);
  if (ioctl(fd, TIOCSRS485, &rs) != 0)
    throw dtu::Failure(DTU_E_UNSUPPORTED, "the driver does not let RS-485 be switched off (" +
                                              std::generic_category().message(errno) +
                                              "): leave \"rs485\" out of this port in board.json");
}

void switch_on(int fd, const Rs485Config& c) {
  serial_rs485 rs{};
  rs.flags = SER_RS485_ENABLED | (c.rts_on_send ? SER_RS485_RTS_ON_SEND : SER_RS485_RTS_AFTER_SEND);
  if (c.rx_during_tx) rs.flags |= SER_RS485_RX_DURING_TX;
  rs.delay_rts_before_send = c.delay_before_ms;
  rs.delay_rts_after_send = c.delay_after_ms;
  if (ioctl(fd, TIOCSRS485, &rs) != 0)
    throw dtu::Failure(DTU_E_UNSUPPORTED,
                       "the driver has no RS-485 mode (" + std::generic_category().message(errno) +
                           "): set \"rs485\": {\"mode\": \"off\"} and use a transceiver that switches by itself");
  // A driver trims what it cannot do and says so only in what it now reports.
  serial_rs485 got{};
  if (ioctl(fd, TIOCGRS485, &got) != 0) return;
  if ((got.flags & SER_RS485_ENABLED) == 0 || ((rs.flags ^ got.flags) & SER_RS485_RTS_ON_SEND) != 0)
    throw dtu::Failure(DTU_E_UNSUPPORTED, "the driver cannot drive RTS as asked: try \"rts_on_send\": " +
                                              std::string(c.rts_on_send ? "false" : "true"));
  if (c.rx_during_tx && (got.flags & SER_RS485_RX_DURING_TX) == 0)
    throw dtu::Failure(DTU_E_UNSUPPORTED, "the driver does not receive while it sends: set \"rx_during_tx\": false");
  if (got.delay_rts_before_send != c.delay_before_ms || got.delay_rts_after_send != c.delay_after_ms)
    throw dtu::Failure(DTU_E_UNSUPPORTED, "the driver cannot do these RS-485 delays, it offers delay_before_ms " +
                                              std::to_string(got.delay_rts_before_send) + " and delay_after_ms " +
                                              std::to_string(got.delay_rts_after_send));
}

}  // namespace

void check_rs485(const std::optional<Rs485Config>& c, const dtu_port_settings& settings) {
  if (c && c->kernel && settings.flow == DTU_FLOW_RTSCTS)
    throw dtu::Failure(DTU_E_INVALID, "RS-485 and RTS/CTS flow control both need the RTS line: choose one");
}

void apply_rs485(int fd, const Rs485Config& c, const dtu_port_settings& settings) {
  if (!c.kernel) return switch_off(fd);
  check_rs485(c, settings);
  switch_on(fd, c);
}

}  // namespace hal_linux
