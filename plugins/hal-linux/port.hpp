// One configured serial port: opened for the host, lost, and picked up again.
//
//   closed --open()--> up <--found-- waiting      up --hang-up--> waiting      close(): back to closed
//
// While waiting it looks after 100 ms, 200 ms, ... 2 s; then, where inotify tells of the node's return, every 30 s.
#pragma once
#include <dtu/kit/port/device_watch.hpp>
#include <dtu/kit/port/line.hpp>
#include <dtu/sdk/component.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config.hpp"
#include "device.hpp"
#include "line_errors.hpp"

namespace hal_linux {

struct PortStatus {
  const char* state;  // "closed", "up", "waiting"
  std::string trouble;
  uint64_t losses;  // times the device went away
  uint64_t looks;   // times it was looked for since
  dtu_port::LineCounters bytes;
  std::optional<LineErrors> errors;
  uint64_t turns;  // times the direction pin went back to receiving
};

class Port : public dtu_port::Line::Owner {
 public:
  // `counted` is called when the counters are worth a look: some time after traffic and after
  // a loss, never on an idle line.
  Port(dtu::Host host, PortConfig config, std::function<void()> counted);

  // DTU_OK, or DTU_PENDING with the reason reported. Throws when the settings can never work.
  // direction: null: full duplex, or the driver switches.
  dtu_status open(const dtu_port_settings& settings, uint64_t key, std::unique_ptr<dtu_port::Direction> direction);
  void close();
  dtu_status write(const dtu_msg* msgs, uint32_t n, uint32_t* taken);
  void resume();
  [[nodiscard]] bool drained() const;
  uint64_t discard(uint32_t which);
  void set_line(dtu_port_settings settings);  // throws, and leaves the line as it was
  void set_signals(uint32_t mask, uint32_t values) const;
  [[nodiscard]] dtu::PortSignals signals() const;
  [[nodiscard]] uint32_t flags() const;
  [[nodiscard]] bool is_open() const noexcept { return line_ != nullptr; }
  [[nodiscard]] uint64_t key() const noexcept { return key_; }

  [[nodiscard]] const PortConfig& config() const noexcept { return config_; }
  PortStatus status();

 private:
  void line_lost(const std::string& why) override;
  void line_read() override;
  void direction_failed(const std::string& why) override;

  void use(Device device);
  void watch();
  void look();
  void wait(const OpenError& trouble);
  void must_be_there() const;  // throws DTU_E_IO
  void tell_down(dtu_status code, const std::string& text);
  void count_errors();

  dtu::Host host_;
  PortConfig config_;
  std::function<void()> counted_;
  std::optional<dtu::Timer> retry_, count_;  // while open
  std::unique_ptr<dtu_port::DeviceWatch> watch_;
  std::unique_ptr<dtu_port::Line> line_;

  dtu_port_settings settings_{};
  uint64_t key_ = 0;
  bool pty_ = false, count_armed_ = false;
  uint64_t delay_ms_ = 0;
  int64_t up_since_ns_ = 0;
  std::string trouble_;  // last told; "" while up
  uint64_t losses_ = 0, looks_ = 0, turns_before_ = 0;
  dtu_port::LineCounters bytes_before_;  // of lines closed since
  std::optional<LineErrors> errors_, errors_seen_;
};

}  // namespace hal_linux
