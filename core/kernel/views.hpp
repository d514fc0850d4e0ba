// The kernel's state as the JSON of docs/control-api.md. Main lane.
#pragma once
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/documents.hpp"
#include "plugins/faults.hpp"
#include "routing/backlog.hpp"

namespace dtud {

class Kernel;

namespace views {

[[nodiscard]] Poco::JSON::Object::Ptr finding(const config::Finding& f);  // any thread
// Of the kinds that happened: {"exception": {"count", "function", "last", "at_ns"}}
[[nodiscard]] Poco::JSON::Object::Ptr faults(const plugins::Faults& faults);
[[nodiscard]] std::string status(Kernel& kernel);
[[nodiscard]] std::string plugins(Kernel& kernel);
[[nodiscard]] std::string component(Kernel& kernel, const std::string& type);  // "" = nobody offers it
[[nodiscard]] std::string commands(Kernel& kernel);
[[nodiscard]] std::string points(Kernel& kernel);
[[nodiscard]] std::string ports(Kernel& kernel);
[[nodiscard]] std::string channels(Kernel& kernel);
[[nodiscard]] std::string channel_states(Kernel& kernel);            // {"1": {"type", "state", "dtu_state"}}
[[nodiscard]] Poco::JSON::Object::Ptr config_state(Kernel& kernel);  // revision, trial, last roll-back
[[nodiscard]] std::string history(Kernel& kernel);
[[nodiscard]] std::string revision(Kernel& kernel, uint64_t id);  // masked; "" = there is none
[[nodiscard]] std::string audit(Kernel& kernel);
[[nodiscard]] std::string spool(Kernel& kernel);
[[nodiscard]] std::string spool_page(const std::vector<routing::Backlog::Peeked>& messages);
// How long the flash lasts at the rate of writing since dtud's start; none while nothing was written.
[[nodiscard]] std::optional<double> flash_days(Kernel& kernel);
[[nodiscard]] std::string metrics(Kernel& kernel);  // Prometheus text

}  // namespace views
}  // namespace dtud
