#include "kernel/announcements.hpp"

#include <algorithm>

#include "config/json_text.hpp"
#include "config/json_value.hpp"
#include "kernel/version.hpp"

namespace dtud {
namespace {

using config::Json;
using config::JsonObject;
using config::make_object;

constexpr char kKernel[] = "kernel";

std::string text(const JsonObject::Ptr& o) { return config::to_json(Json(o)); }

JsonObject::Ptr list(const std::vector<std::string>& names, const char* key) {
  config::JsonArray::Ptr all = new config::JsonArray;
  for (const std::string& name : names) all->add(name);
  auto o = make_object();
  o->set(key, all);
  return o;
}

JsonObject::Ptr state_view(int32_t state, const std::string& error) {
  auto o = make_object();
  o->set("state", std::string(plugins::name_of_state(state)));
  if (!error.empty()) o->set("error", error);
  return o;
}

}  // namespace

Announcements::Announcements(Parts parts) : parts_(parts) {
  start_timer_ =
      parts_.lane.timers().create([](void* me) { static_cast<Announcements*>(me)->look_at_start(true); }, this);
  fault_timer_ = parts_.lane.timers().create([](void* me) { static_cast<Announcements*>(me)->look_at_faults(); }, this);
  // On the thread that noted it: the rest is for the lane, and together with what else is noted within a second.
  const auto noted = [this, due = faults_due_, &lane = parts_.lane] {
    if (due->exchange(true)) return;
    lane.post([this] {  // runs before this is gone, or not at all
      parts_.lane.timers().arm(fault_timer_, std::max(monotonic_ns(), faults_told_ns_ + kFaultsEvery_ns));
    });
  };
  parts_.instances.faults().on_note({noted});
}

Announcements::~Announcements() {
  parts_.lane.timers().destroy(start_timer_);
  parts_.lane.timers().destroy(fault_timer_);
}

const std::vector<events::Declared>& Announcements::declared() {
  static const std::vector<events::Declared> all{
      {"system.started", "The board runs", "", DTU_EVENT_STATE},
      {"plugin.state", "The state of an instance changed", "", DTU_EVENT_STATE},
      {"channel.state", "The state of a channel changed", "", DTU_EVENT_STATE},
      {"port.state", "The state of a port changed", "", DTU_EVENT_STATE},
      {"config.applied", "A device document was applied", "", 0},
      {"config.rolled_back", "A change did not prove itself", "", DTU_EVENT_STATE},
      {"plugin.rolled_back", "A build of a plugin failed, and the one before runs again", "", DTU_EVENT_STATE},
      {"plugin.fault", "A plugin broke its contract", "", DTU_EVENT_STATE},
      {"access.locked", "Too many wrong passwords", "", 0}};
  return all;
}

// --- the start -------------------------------------------------------------------------------------------------------

void Announcements::board_started() {
  starting_ = true;
  parts_.lane.timers().arm(start_timer_, monotonic_ns() + kStartedWithin_ns);
  look_at_start(false);
}

void Announcements::look_at_start(bool over) {
  if (!starting_) return;
  std::vector<std::string> down;
  bool pending = false;
  for (const auto& member : parts_.members) {
    if (member->running()) continue;
    down.push_back(member->name());
    pending = pending || member->state() != DTU_STATE_FAILED;
  }
  if (pending && !over) return;
  starting_ = false;
  parts_.lane.timers().disarm(start_timer_);
  auto o = list(down, "not_running");
  o->set("version", std::string(kVersion));
  parts_.hub.tell("system.started", kKernel, text(o), true);
}

// --- states ----------------------------------------------------------------------------------------------------------

void Announcements::state_changed(const plugins::Instance& instance) {
  auto o = state_view(instance.state(), instance.error());
  if (instance.component().kind == DTU_KIND_CHANNEL) parts_.hub.tell("channel.state", instance.name(), text(o), true);
  o->set("plugin", instance.plugin_id());
  o->set("restarts", static_cast<int64_t>(instance.restarts()));
  parts_.hub.tell("plugin.state", instance.name(), text(o), true);
  look_at_start(false);
}

void Announcements::stopped(const plugins::Instance& instance) {
  parts_.hub.gone(instance.name());
  if (instance.wanted()) return;  // it failed, and is started again: its state says so
  parts_.hub.gone("channel.state", instance.name());
  parts_.hub.gone("plugin.state", instance.name());
}

void Announcements::look_at_ports() {
  const auto& ports = parts_.router.ports();
  for (auto it = ports_told_.begin(); it != ports_told_.end();) {
    const bool there =
        std::any_of(ports.begin(), ports.end(), [&](const auto& port) { return port->name == it->first; });
    if (!there) parts_.hub.gone("port.state", it->first);
    it = there ? std::next(it) : ports_told_.erase(it);
  }
  for (const auto& port : ports) {
    auto& told = ports_told_[port->name];
    const bool up = port->state == DTU_STATE_UP;
    std::pair<int32_t, std::string> now{port->state, up ? "" : port->error};
    if (told == now) continue;
    told = std::move(now);
    parts_.hub.tell("port.state", port->name, text(state_view(told.first, told.second)), true);
  }
}

// --- what happened ---------------------------------------------------------------------------------------------------

void Announcements::config_applied(uint64_t revision, const std::vector<std::string>& changed) {
  auto o = list(changed, "changed");
  o->set("revision", static_cast<int64_t>(revision));
  parts_.hub.tell("config.applied", kKernel, text(o), false);
}

void Announcements::config_rolled_back(uint64_t revision, const std::string& why) {
  auto o = make_object();
  o->set("revision", static_cast<int64_t>(revision));
  o->set("why", why);
  parts_.hub.tell("config.rolled_back", kKernel, text(o), true);
}

void Announcements::plugin_rolled_back(const std::string& plugin, const std::string& from, const std::string& to,
                                       const std::string& why) {
  auto o = make_object();
  o->set("plugin", plugin);
  o->set("from", from);
  o->set("to", to);
  o->set("why", why);
  parts_.hub.tell("plugin.rolled_back", kKernel, text(o), true);
}

void Announcements::access_locked(const std::string& source, int64_t seconds) {
  auto o = make_object();
  o->set("seconds", seconds);
  parts_.hub.tell("access.locked", source, text(o), false);
}

void Announcements::look_at_faults() {
  faults_due_->store(false);
  faults_told_ns_ = monotonic_ns();
  for (const plugins::Faults* record : parts_.instances.faults().all()) {
    const uint64_t total = record->total();
    uint64_t& told = faults_told_[record];
    if (told == total) continue;
    told = total;
    const auto kinds = record->read();
    const auto newest = std::max_element(kinds.begin(), kinds.end(),
                                         [](const auto& a, const auto& b) { return a.second.at_ns < b.second.at_ns; });
    if (newest == kinds.end()) continue;
    auto o = make_object();
    o->set("plugin", record->plugin());
    o->set("kind", std::string(plugins::name_of(newest->first)));
    o->set("function", newest->second.function);
    o->set("text", newest->second.text);
    o->set("faults", static_cast<int64_t>(total));
    parts_.hub.tell("plugin.fault", record->instance(), text(o), true);
  }
}

}  // namespace dtud
