// The direction of a half-duplex line (RS-485) by a pin: to sending before the first byte, back to receiving when the
// last one has left the UART.
//
// When that is, is looked at by a timer: first at the time the bytes need at the speed of the line, then again while
// the driver still has some. Nothing waits on the lane. [lane]
#pragma once
#include <dtu/ports.h>
#include <dtu/sdk/host.hpp>

#include <functional>
#include <optional>
#include <string>

namespace dtu_port {

// What the settings say of the pin; nothing when they name none.
struct DirectionPin {
  int32_t gpio;
  int sending;  // the level
};
[[nodiscard]] std::optional<DirectionPin> direction_pin(const dtu_port_settings& settings);

// How long one byte is on the wire, with start, parity and stop bits.
[[nodiscard]] int64_t byte_ns(const dtu_port_settings& settings);

class Direction {
 public:
  using Set = std::function<void(int level)>;  // throws dtu::Failure

  // Begins with receiving; throws as `set` does.
  Direction(dtu::Host host, const dtu_port_settings& settings, Set set);
  Direction(const Direction&) = delete;
  Direction& operator=(const Direction&) = delete;
  ~Direction();  // receiving, if the pin still obeys

  // Who is asked whether everything is out, and told when the pin could not be switched back.
  void serve(std::function<bool()> drained, std::function<void(const std::string& why)> failed);

  void send();                 // before a write; throws as `set` does
  void wrote(uint64_t bytes);  // what the driver took of it
  void receive();              // now; throws as `set` does
  [[nodiscard]] bool sending() const noexcept { return sending_; }
  [[nodiscard]] uint64_t turns() const noexcept { return turns_; }  // times it went back to receiving

 private:
  void look();

  dtu::Host host_;
  Set set_;
  int send_level_;
  int64_t byte_ns_;
  std::function<bool()> drained_;
  std::function<void(const std::string&)> failed_;
  dtu::Timer timer_;
  bool sending_ = false;
  int64_t end_ns_ = 0;    // when the last byte should be out
  int64_t again_ns_ = 0;  // until the next look, when it was not
  uint64_t turns_ = 0;
};

}  // namespace dtu_port
