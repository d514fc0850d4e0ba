// A port of the simulated board.
#pragma once
#include <dtu/kit/port/line.hpp>

#include <memory>
#include <optional>
#include <string>

#include "config.hpp"
#include "link.hpp"
#include "pty.hpp"

namespace hal_sim {

class PtyPort : public dtu_port::Line::Owner {
 public:
  PtyPort(dtu::Host host, PortConfig config) : host_(host), config_(std::move(config)) {}

  void start();  // makes the symlink and minds the pty
  void stop();
  // direction: null: full duplex.
  void open(const dtu_port_settings& settings, uint64_t key, std::unique_ptr<dtu_port::Direction> direction);
  void close();
  void set_line(const dtu_port_settings& settings) { pty_.settings(settings); }
  // What a pty has not: kept, and shown by point port.<id>.line.
  void set_signals(uint32_t mask, uint32_t values) { signals_ = (signals_ & ~mask) | (values & mask); }
  [[nodiscard]] uint32_t signals() const noexcept { return signals_; }
  [[nodiscard]] bool is_open() const noexcept { return line_ != nullptr; }
  [[nodiscard]] uint64_t key() const noexcept { return key_; }
  [[nodiscard]] dtu_port::Line& line() { return *line_; }
  [[nodiscard]] const Pty& pty() const noexcept { return pty_; }
  [[nodiscard]] const PortConfig& config() const noexcept { return config_; }

 private:
  void line_lost(const std::string& why) override;
  void mind();
  void mend();

  dtu::Host host_;
  PortConfig config_;
  Pty pty_;
  std::unique_ptr<dtu::FdWatch> keeper_watch_;  // after pty_: goes first
  std::optional<Link> link_;
  std::unique_ptr<dtu_port::Line> line_;
  uint64_t key_ = 0;
  uint32_t signals_ = 0;  // ours that are on
};

}  // namespace hal_sim
