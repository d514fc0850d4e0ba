// Brings the device document's apn to every HAL that has a network interface: once after it started, and when it
// changed. Main lane.
#pragma once
#include <optional>
#include <vector>

#include "config/documents.hpp"
#include "log/log.hpp"
#include "plugins/instance.hpp"

namespace dtud {

class NetworkSettings {
 public:
  explicit NetworkSettings(Log& log) : log_(log) {}

  void configure(const config::ApnConfig& apn);
  void started(plugins::Instance& hal);
  void stopping(const plugins::Instance& hal);
  [[nodiscard]] bool offered() const { return !hals_.empty(); }  // somebody can set the access point

 private:
  void tell(plugins::Instance& hal);

  Log& log_;
  std::optional<config::ApnConfig> apn_;  // none: the document is not read yet
  std::vector<plugins::Instance*> hals_;  // running, with a network interface
};

}  // namespace dtud
