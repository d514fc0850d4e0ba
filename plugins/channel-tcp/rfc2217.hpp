// One client of RFC 2217: Telnet options, and the sub-options by which it sets and asks a serial port. Pure: bytes in,
// and out of it data and wishes in the order in which they came. Whoever grants a wish gives the answer's values.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "telnet.hpp"

namespace channel_tcp::rfc2217 {

// The numbers are those of the RFC.
enum SubOption : uint8_t {
  SIGNATURE = 0,
  SET_BAUDRATE = 1,
  SET_DATASIZE = 2,
  SET_PARITY = 3,
  SET_STOPSIZE = 4,
  SET_CONTROL = 5,
  NOTIFY_MODEMSTATE = 7,
  SET_LINESTATE_MASK = 10,
  SET_MODEMSTATE_MASK = 11,
  PURGE_DATA = 12,
};
constexpr uint8_t kFromServer = 100;  // is added in what the server sends

struct Values {  // in force
  uint32_t baud = 0;
  uint8_t data_bits = 0;
  uint8_t parity = 0;     // 1 none, 2 odd, 3 even, 4 mark, 5 space
  uint8_t stop_size = 0;  // 1: 1, 2: 2, 3: 1.5
  uint8_t flow = 1;       // 1 none, 2 XON/XOFF, 3 hardware
  bool dtr = true, rts = true, on_break = false;
  uint8_t modem = 0;  // 0x80 DCD, 0x40 RI, 0x20 DSR, 0x10 CTS
};

struct Wish {
  std::optional<uint32_t> baud;
  std::optional<uint8_t> data_bits, parity, stop_size, flow;
  std::optional<bool> dtr, rts, on_break;
  uint8_t purge = 0;  // 1 what was received, 2 what is to be sent, 3 both
  [[nodiscard]] bool changes() const {
    return baud || data_bits || parity || stop_size || flow || dtr || rts || on_break || purge != 0;
  }
};

// What the client sent: data for the port, or a sub-option that wants an answer.
struct Event {
  std::string data;
  bool asks = false;
  uint8_t sub_option = 0;
  uint8_t detail = 0;  // of SET_CONTROL and PURGE_DATA: what is asked for
  Wish wish;           // nothing in it: a question
};

class Session final : telnet::Parser::Sink {
 public:
  // A read-only client's wishes are questions.
  explicit Session(bool read_only) : read_only_(read_only) {}

  // What the client is sent first.
  [[nodiscard]] std::string hello();
  // The events come after those that are there already. `reply`: what is to be sent at once is appended.
  void feed(std::string_view bytes, std::string& reply);
  [[nodiscard]] std::deque<Event>& events() { return events_; }
  [[nodiscard]] size_t data_bytes() const { return data_bytes_; }  // of these events
  void pop();
  // What the client is sent for an event that asks.
  [[nodiscard]] std::string answer(const Event& event, const Values& values);
  // What it is sent when the signals may be others: "" when there is nothing that it wants to know.
  [[nodiscard]] std::string notice(const Values& values);
  [[nodiscard]] bool com_port() const { return us_[telnet::COM_PORT].on || them_[telnet::COM_PORT].on; }
  [[nodiscard]] uint64_t malformed() const { return malformed_; }
  [[nodiscard]] telnet::Encoder& encoder() { return encoder_; }

 private:
  struct Side {
    bool on = false, asked = false, refused = false;
  };
  void on_data(std::string_view bytes) override;
  void on_option(telnet::Command command, uint8_t option) override;
  void on_subnegotiation(uint8_t option, std::string_view parameters) override;
  void on_malformed(size_t bytes) override { malformed_ += bytes + 1; }
  void switch_on(Side& side, bool known, telnet::Command yes, telnet::Command no, uint8_t option);
  void switch_off(Side& side, telnet::Command no, uint8_t option);
  void ask(uint8_t sub_option, uint8_t detail, const Wish& wish);
  [[nodiscard]] bool wish_for(uint8_t sub_option, std::string_view value, Wish* wish) const;

  const bool read_only_;
  telnet::Parser parser_;
  telnet::Encoder encoder_;
  std::array<Side, 256> us_{}, them_{};
  std::deque<Event> events_;
  size_t data_bytes_ = 0;
  std::string* reply_ = nullptr;  // within feed()
  uint8_t modem_mask_ = 255;
  std::optional<uint8_t> modem_;  // as the client was told
  uint64_t malformed_ = 0;
};

}  // namespace channel_tcp::rfc2217
