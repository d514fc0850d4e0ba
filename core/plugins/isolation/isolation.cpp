#include "plugins/isolation/isolation.hpp"

#include <algorithm>

#include "plugins/isolation/proxy.hpp"
#include "plugins/isolation/tables.hpp"

namespace dtud::plugins::isolation {
namespace {

constexpr int64_t kMs = 1'000'000;
// Shorter than the first pause before a restart: what the old process holds (a line, a listening socket) is free then.
constexpr int64_t kGrace_ms = 300, kLookAgain_ms = 10;

}  // namespace

Isolation::Isolation(Context& context, std::string program, Heartbeat heartbeat)
    : context_(context),
      program_(std::move(program)),
      heartbeat_(heartbeat),
      timer_(context.main.timers().create(look_after_dying, this)) {}

Isolation::~Isolation() { context_.main.timers().destroy(timer_); }

const LoadedComponent& Isolation::stand_in(const LoadedComponent& of, const std::string& plugin_id,
                                           const std::filesystem::path& file, const config::IsolateConfig& limits) {
  for (const StandIn& s : stand_ins_)
    if (s.kind == of.kind && s.type == of.type && s.file == file && s.limits == limits) return s;
  // Nothing to send for those who isolate nothing, so the hook comes with the first.
  if (!std::exchange(hooked_, true)) context_.main.add_turn_hook([this] { return flush(); });
  StandIn& made = stand_ins_.emplace_back();
  made.kind = of.kind;
  made.type = of.type;
  made.title = of.title;
  made.schema = of.schema;
  made.caps = of.caps & ~uint64_t{DTU_CAP_BLOCKING};  // what blocks there does not block here
  made.dialects = of.dialects;
  made.events = of.events;
  made.keys = of.keys;
  made.isolated = true;
  made.plugin_id = plugin_id;
  made.file = file;
  made.their_caps = of.caps;
  made.limits = limits;
  fill_tables(of, made);
  return made;
}

std::optional<Isolation::Seen> Isolation::look(const std::string& instance) const {
  const auto it = known_.find(instance);
  if (it == known_.end()) return std::nullopt;
  const Known& k = it->second;
  Seen seen{0, 0, k.deaths, k.last_death};
  if (k.proxy != nullptr) {
    seen.pid = k.proxy->child().pid();
    seen.rss_kib = k.proxy->child().rss_kib();
  }
  return seen;
}

void Isolation::runs(const std::string& instance, const Proxy* proxy) { known_[instance].proxy = proxy; }

void Isolation::died(const std::string& instance, std::string how) {
  Known& k = known_[instance];
  ++k.deaths;
  k.last_death = std::move(how);
}

void Isolation::flush_soon(Proxy& proxy) {
  dirty_.push_back(&proxy);
  // What is said outside of a turn's work (a timer's, a control call's) still goes out in this turn: hooks come last.
}

void Isolation::forget(const Proxy& proxy) {
  for (auto* list : {&dirty_, &flushing_})
    std::replace(list->begin(), list->end(), const_cast<Proxy*>(&proxy), static_cast<Proxy*>(nullptr));
}

bool Isolation::flush() {
  if (dirty_.empty()) return false;
  flushing_.swap(dirty_);
  for (Proxy* proxy : flushing_)
    if (proxy != nullptr) proxy->flush();
  flushing_.clear();
  return !dirty_.empty();
}

void Isolation::bury(Child child) {
  if (!child.running() || child.reap()) return;
  dying_.push_back({std::move(child), monotonic_ns() + kGrace_ms * kMs});
  context_.main.timers().arm(timer_, monotonic_ns() + kLookAgain_ms * kMs);
}

void Isolation::look_after_dying(void* self) {
  auto& me = *static_cast<Isolation*>(self);
  const int64_t now = monotonic_ns();
  for (Dying& d : me.dying_)
    if (now >= d.kill_at_ns) d.child.kill();
  auto& list = me.dying_;
  list.erase(std::remove_if(list.begin(), list.end(), [](Dying& d) { return d.child.reap(); }), list.end());
  if (!list.empty()) me.context_.main.timers().arm(me.timer_, now + kLookAgain_ms * kMs);
}

}  // namespace dtud::plugins::isolation
