#include "kernel/network_settings.hpp"

#include <algorithm>
#include <utility>

#include "commands/answer.hpp"

namespace dtud {
namespace {

dtu_str text(const std::string& s) { return {s.data(), s.size()}; }

}  // namespace

void NetworkSettings::configure(const config::ApnConfig& apn) {
  if (apn_ && *apn_ == apn) return;
  apn_ = apn;
  for (plugins::Instance* hal : hals_) tell(*hal);
}

void NetworkSettings::started(plugins::Instance& hal) {
  if (hal.tables().network.configure == nullptr) return;
  if (std::find(hals_.begin(), hals_.end(), &hal) == hals_.end()) hals_.push_back(&hal);
  if (apn_) tell(hal);
}

void NetworkSettings::stopping(const plugins::Instance& hal) {
  hals_.erase(std::remove(hals_.begin(), hals_.end(), &hal), hals_.end());
}

void NetworkSettings::tell(plugins::Instance& hal) {
  using Outcome = std::pair<dtu_status, dtu_error>;
  hal.call(
      [&hal, apn = *apn_] {
        dtu_error error{};
        error.struct_size = sizeof error;
        const dtu_network_settings settings{sizeof settings, 0, text(apn.name), text(apn.user), text(apn.password)};
        const dtu_status status = hal.guarded(
            "configure", &error, [&] { return hal.tables().network.configure(hal.self(), &settings, &error); });
        return Outcome{status, error};
      },
      [this, &hal](const Outcome& outcome) {
        const auto& [status, error] = outcome;
        if (status >= 0) return;
        log_.error(hal.name(), std::string("could not set the access point (apn): ") +
                                   (error.message[0] != '\0' ? error.message : commands::name_of_status(status)));
      });
}

}  // namespace dtud
