// The access point, and being attached. [lane]
#pragma once
#include <dtu/sdk/board.hpp>
#include <dtu/sdk/kept.hpp>

#include <optional>
#include <string>

#include "modem.hpp"
#include "values.hpp"

namespace hal_ec600 {

class Network {
 public:
  Network(dtu::Host host, Modem& modem);

  // Kept, and brought to the modem now and after each restart. An active context is deactivated before its access point
  // changes, and activated again. Nothing is written that is there already, and nothing for "" that was never set here.
  void configure(const dtu::NetworkSettings& settings, uint64_t call);
  void attach(uint64_t call);  // CGATT=1, QIACT=1
  void detach(uint64_t call);  // QIDEACT=1, CGATT=0
  void modem_ready();

  [[nodiscard]] const dtu::NetworkSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] uint64_t configured() const noexcept { return configured_; }
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  struct Plan;
  void apply(uint64_t call);
  void read_context(const std::shared_ptr<Plan>& plan);
  void run(const std::shared_ptr<Plan>& plan);
  void finish(uint64_t call, const std::string& why);

  dtu::Host host_;
  Modem& modem_;
  std::optional<dtu::Kept> kept_;
  dtu::NetworkSettings settings_;
  uint64_t configured_ = 0;
  std::string trouble_;
};

}  // namespace hal_ec600
