// A watchdog of the kernel (Documentation/watchdog/watchdog-api.rst). An interface, so that no test arms a real one.
#pragma once
#include <dtu/kit/port/descriptor.hpp>

#include <cstdint>
#include <string>

namespace hal_linux {

class WatchdogDevice {
 public:
  virtual ~WatchdogDevice() = default;
  // Opening arms it. Answers the seconds that the driver took: it may round them. Throws a dtu::Failure that says what
  // to do; the device is then closed and not armed.
  virtual uint32_t open(const std::string& path, uint32_t timeout_s) = 0;
  virtual void kick() = 0;    // throws DTU_E_IO
  virtual void disarm() = 0;  // the magic close: only this stops it, where the driver allows that
  virtual void leave() = 0;   // closed and still armed
};

class KernelWatchdog final : public WatchdogDevice {
 public:
  uint32_t open(const std::string& path, uint32_t timeout_s) override;
  void kick() override;
  void disarm() override;
  void leave() override { fd_.reset(); }

 private:
  std::string path_;
  dtu_port::Descriptor fd_;
};

}  // namespace hal_linux
