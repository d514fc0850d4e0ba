// The far end of a serial line. `device` is what dtud opens.
#pragma once
#include <string>

#include "line.hpp"

namespace e2e {

class Pty : public Line {
 public:
  Pty();
  [[nodiscard]] const std::string& device() const { return device_; }

 private:
  std::string device_;
};

}  // namespace e2e
