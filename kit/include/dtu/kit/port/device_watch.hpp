// Tells when a device node that is missing may have come, without looking for it again and again.
#pragma once
#include <dtu/kit/port/descriptor.hpp>
#include <dtu/sdk/host.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dtu_port {

// Watches the directory of the node; when that is missing too, the nearest one there is; when the node is a symlink,
// the directory of its target as well. It is spent after one call of `changed`: look, and make a new one. [lane]
class DeviceWatch {
 public:
  DeviceWatch(dtu::Host host, const std::string& device, std::function<void()> changed);
  // False: this system cannot tell, look by timer.
  [[nodiscard]] bool working() const noexcept { return working_; }

 private:
  struct Name {
    int watch;  // inotify's number for the directory
    std::string name;
  };

  void follow(const std::string& device);
  bool add(const std::string& directory, const std::string& name);
  void ready();
  [[nodiscard]] bool concerns_us(const char* events, size_t size) const;

  Descriptor fd_;
  std::unique_ptr<dtu::FdWatch> watch_;  // after fd_: goes first
  std::vector<Name> names_;
  std::function<void()> changed_;
  bool working_ = false;
};

}  // namespace dtu_port
