// The durable state of one instance: a file per key in <kv_dir>/<instance>/. A value that cannot be read is not lost:
// before it is replaced its file is renamed to KEY.rejected.
#pragma once
#include <dtu/abi.h>

#include <string>
#include <string_view>

namespace dtud::plugins {

class Kv {
 public:
  Kv(const std::string& kv_dir, const std::string& instance);
  // Keys: 1 to 64 of [A-Za-z0-9._-], not beginning with a dot. Values: up to 64 KiB.
  [[nodiscard]] dtu_status get(std::string_view key, std::string& value);
  [[nodiscard]] dtu_status set(std::string_view key, std::string_view value);
  [[nodiscard]] dtu_status remove(std::string_view key);
  // After DTU_E_IO: which file, and why.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  dtu_status failed(const std::string& problem);
  std::string parent_, dir_, problem_;
};

}  // namespace dtud::plugins
