// The kernel's state as the JSON of docs/control-api.md. Main lane.
#pragma once
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <string>

#include "config/documents.hpp"

namespace dtud {

class Kernel;

namespace views {

[[nodiscard]] Poco::JSON::Object::Ptr finding(const config::Finding& f);  // any thread
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
[[nodiscard]] std::string metrics(Kernel& kernel);  // Prometheus text

}  // namespace views
}  // namespace dtud
