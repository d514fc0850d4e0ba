// Looks whether the point that resets the modem is there, long before a reset needs it: a name that is wrong in
// board.json is said in the log and in the health, once. [lane]
#pragma once
#include <dtu/sdk/host.hpp>

#include <optional>
#include <string>

namespace hal_ec600 {

class ResetPoint {
 public:
  ResetPoint(dtu::Host host, const std::string& point) : host_(host), point_(point) {}
  void start();
  void stop() { timer_.reset(); }
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }  // "": none, or not known yet

 private:
  void look();
  [[nodiscard]] std::string find() const;

  dtu::Host host_;
  const std::string& point_;
  std::optional<dtu::Timer> timer_;
  std::string trouble_;
};

}  // namespace hal_ec600
