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

#include "at_port.hpp"
#include "config.hpp"

namespace hal_ec600 {

class ModemTty final : public AtPort {
 public:
  ModemTty(dtu::Host host, const Config& config, Owner& owner);

  void start() override;
  void stop() override;
  void write(std::string_view bytes) override;
  void flush() override;
  [[nodiscard]] const std::string& device() const override { return device_; }
  [[nodiscard]] uint64_t losses() const override { return losses_; }
  [[nodiscard]] std::string others() const override { return dtu_port::holders(device_, true); }

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
