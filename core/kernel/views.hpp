// The kernel's state as the JSON of docs/control-api.md. Main lane.
#pragma once
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/documents.hpp"
#include "plugins/faults.hpp"
#include "plugins/loader/facts.hpp"
#include "routing/backlog.hpp"

namespace dtud {

class Kernel;

namespace views {

[[nodiscard]] Poco::JSON::Object::Ptr finding(const config::Finding& f);  // any thread
// Of the kinds that happened: {"exception": {"count", "function", "last", "at_ns"}}
[[nodiscard]] Poco::JSON::Object::Ptr faults(const plugins::Faults& faults);
// Those that run `of`; null: all.
[[nodiscard]] Poco::JSON::Array::Ptr instances(Kernel& kernel, const plugins::LoadedComponent* of);
[[nodiscard]] std::string status(Kernel& kernel);
[[nodiscard]] std::string plugins(Kernel& kernel);
// The plugin files that NAME means: a path, a file name, the id of a plugin, or a type it holds; "" = none. schemas: by
// path, what a probe found in files that are not loaded.
[[nodiscard]] std::string plugin(Kernel& kernel, const std::string& name,
                                 const std::map<std::string, plugins::PluginFacts>& schemas);
[[nodiscard]] std::vector<std::string> plugins_to_probe(Kernel& kernel, const std::string& name);
[[nodiscard]] std::string component(Kernel& kernel, const std::string& type);  // "" = nobody offers it
[[nodiscard]] std::string commands(Kernel& kernel);
[[nodiscard]] std::string points(Kernel& kernel);
[[nodiscard]] std::string events(Kernel& kernel);  // those that can be told
[[nodiscard]] std::string ports(Kernel& kernel);
[[nodiscard]] std::string channels(Kernel& kernel);
[[nodiscard]] std::string channel_states(Kernel& kernel);      // {"1": {"type", "state", "dtu_state"}}
[[nodiscard]] Poco::JSON::Array::Ptr damaged(Kernel& kernel);  // files of state that could not be used, as sentences
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
