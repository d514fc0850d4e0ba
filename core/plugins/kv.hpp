// The durable state of one instance: a file per key in <kv_dir>/<instance>/.
#pragma once
#include <dtu/abi.h>

#include <string>
#include <string_view>

namespace dtud::plugins {

class Kv {
 public:
  Kv(const std::string& kv_dir, const std::string& instance);
  // Keys: 1 to 64 of [A-Za-z0-9._-], not beginning with a dot. Values: up to 64 KiB.
  [[nodiscard]] dtu_status get(std::string_view key, std::string& value) const;
  [[nodiscard]] dtu_status set(std::string_view key, std::string_view value) const;
  [[nodiscard]] dtu_status remove(std::string_view key) const;

 private:
  std::string parent_, dir_;
};

}  // namespace dtud::plugins
