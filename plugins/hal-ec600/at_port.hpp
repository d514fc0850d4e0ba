// The port the modem answers on. [lane]
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace hal_ec600 {

class AtPort {
 public:
  // Told of the port, never within a call to it.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void tty_opened() = 0;
    virtual void tty_lost(const std::string& why) = 0;    // it looks for the port by itself
    virtual void tty_absent(const std::string& why) = 0;  // not there, or not to be opened; told once for each reason
    virtual void tty_bytes(std::string_view bytes) = 0;
  };

  AtPort() = default;
  AtPort(const AtPort&) = delete;
  AtPort& operator=(const AtPort&) = delete;
  virtual ~AtPort() = default;
  virtual void start() = 0;
  virtual void stop() = 0;
  virtual void write(std::string_view bytes) = 0;               // takes all, or the port is lost
  virtual void flush() = 0;                                     // throws away what is under way, both ways
  [[nodiscard]] virtual const std::string& device() const = 0;  // last opened
  [[nodiscard]] virtual uint64_t losses() const = 0;
  // Other programs that have it open: "pid 812 (ModemManager)"; "" when none can be seen. Takes milliseconds.
  [[nodiscard]] virtual std::string others() const = 0;
};

}  // namespace hal_ec600
