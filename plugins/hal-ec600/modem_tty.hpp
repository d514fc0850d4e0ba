// The AT port: found, opened for ourselves, lost, and picked up again under whatever name it has then. [lane]
#pragma once
#include <dtu/kit/port/device.hpp>
#include <dtu/kit/port/device_watch.hpp>
#include <dtu/sdk/host.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config.hpp"

namespace hal_ec600 {

class ModemTty {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void tty_opened() = 0;
    virtual void tty_lost(const std::string& why) = 0;    // it looks for the port by itself
    virtual void tty_absent(const std::string& why) = 0;  // not there, or not to be opened; told once for each reason
    virtual void tty_bytes(std::string_view bytes) = 0;
  };

  ModemTty(dtu::Host host, const Config& config, Owner& owner);

  void start();
  void stop();
  // Takes all, or the port is lost; that is told later, not within the call.
  void write(std::string_view bytes);
  void flush();                         // throws away what is under way, both ways
  void reopen(const std::string& why);  // closes it and looks again
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  [[nodiscard]] const std::string& device() const noexcept { return device_; }  // last opened
  [[nodiscard]] uint64_t losses() const noexcept { return losses_; }

 private:
  void look();
  void wait(const std::string& why, bool inotify_tells);
  void ready(uint32_t events);
  void send_rest();
  void lose(const std::string& why);

  static constexpr size_t kBuffer = 4'096;  // a turn: a storm of lines leaves the lane to others
  static constexpr size_t kMostUnsent = 64 * 1024;
  dtu::Host host_;
  const Config& config_;
  Owner& owner_;
  std::optional<dtu::Timer> retry_;
  std::unique_ptr<dtu_port::DeviceWatch> node_;
  dtu_port::Descriptor fd_;
  std::unique_ptr<dtu::FdWatch> watch_;  // after fd_: goes first
  std::array<char, kBuffer> buffer_{};
  std::string unsent_, device_, trouble_, broken_;
  uint64_t delay_ms_ = 0, losses_ = 0;
};

}  // namespace hal_ec600
