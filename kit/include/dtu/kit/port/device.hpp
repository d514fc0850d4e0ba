// Opening a serial device for ourselves alone.
#pragma once
#include <dtu/ports.h>
#include <dtu/kit/port/descriptor.hpp>

#include <exception>
#include <functional>
#include <string>

namespace dtu_port {

struct Device {
  Descriptor fd;
  bool pty = false;
};

// What retrying can hope for, and so how often it is worth it.
enum class Trouble {
  absent,   // no such node yet: its directory tells when it comes
  denied,   // no permission yet: its directory tells when that changes
  busy,     // another program has it; nothing tells when it lets go
  failing,  // the node is there, the hardware does not answer
  refused   // the driver cannot do what is configured
};

class OpenError : public std::exception {
 public:
  OpenError(Trouble trouble, dtu_status code, std::string text)
      : trouble_(trouble), code_(code), text_(std::move(text)) {}
  [[nodiscard]] Trouble trouble() const noexcept { return trouble_; }
  [[nodiscard]] dtu_status code() const noexcept { return code_; }
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  Trouble trouble_;
  dtu_status code_;
  std::string text_;
};

// Non-blocking, locked against others, set up: by the settings, then by `more`, which may throw a dtu::Failure. Throws
// OpenError; its text names the device and what to do.
Device open_device(const std::string& path, const dtu_port_settings& settings,
                   const std::function<void(int fd)>& more = nullptr);

// "pid 812 (picocom)" for every process seen to have the device open, "" when none can be seen. Looks through /proc.
// others: only those besides this program, and not who has the other end of a pseudo terminal: he is the device.
std::string holders(const std::string& device, bool others = false);

}  // namespace dtu_port
