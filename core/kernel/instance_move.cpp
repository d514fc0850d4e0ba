#include "kernel/instance_move.hpp"

#include <algorithm>
#include <utility>

#include "log/counted.hpp"
#include "plugins/instances.hpp"
#include "routing/link.hpp"

namespace dtud {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr uint32_t kDrain_ms = 2000;  // for what is in flight, and for calls under way
constexpr uint32_t kStop_ms = 2000;
constexpr int64_t kCollect_ms = 200;  // for what was read already

routing::Channel* channel_of(const plugins::Instance& instance) {
  return instance.component().kind == DTU_KIND_CHANNEL ? static_cast<routing::Channel*>(instance.tenant()) : nullptr;
}

}  // namespace

InstanceMove::InstanceMove(Parts parts, plugins::InstancePtr& slot, Code to, uint32_t ready_ms)
    : parts_(parts),
      slot_(slot),
      name_(slot->name()),
      from_{&slot->component(), slot->plugin_id(), slot->config()},
      to_(std::move(to)),
      ready_ms_(ready_ms),
      began_ns_(monotonic_ns()) {
  plugins::Instance& old = *slot_;
  was_wanted_ = old.wanted();
  was_well_ = old.state() != DTU_STATE_FAILED;
  handover_ = std::make_unique<routing::Handover>(parts_.router, old);
  parts_.calls.hold(old);
  handover_->hurry(kDrain_ms);
  deadline_ns_ = began_ns_ + int64_t{kDrain_ms} * kMs;
}

InstanceMove::~InstanceMove() {
  parts_.calls.release(*slot_);
  handover_.reset();
}

InstanceMove::Progress InstanceMove::step() {
  const int64_t now = monotonic_ns();
  const bool late = now >= deadline_ns_;
  switch (stage_) {
    case Stage::draining:
      if (!late && slot_->alive() && (!handover_->quiet() || parts_.calls.under_way(*slot_) != 0)) break;
      was_stuck_ = late;
      stage_ = Stage::collecting;
      deadline_ns_ = now + kCollect_ms * kMs;
      [[fallthrough]];
    case Stage::collecting:
      if (handover_->collect() || now >= deadline_ns_) stop();
      break;
    case Stage::stopping:
      break;  // stop() always ends: with it or without
    case Stage::waiting:
      if (const std::string trouble = this->trouble(); trouble.empty()) {
        return settle(Progress::done);
      } else if (slot_->state() == DTU_STATE_FAILED || slot_->restarts() != 0) {
        return fail(trouble);
      } else if (late) {
        return fail("was not up again within " + std::to_string(ready_ms_) + " ms: " + trouble);
      }
      break;
    case Stage::over:
      return why_.empty() ? Progress::done : Progress::failed;
  }
  return Progress::going;
}

void InstanceMove::stop() {
  stage_ = Stage::stopping;
  slot_->stop(kStop_ms, [this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) replace();
  });
}

void InstanceMove::replace() {
  plugins::Instance& old = *slot_;
  const Code& code = back_ ? from_ : to_;
  auto next = plugins::Instance::make(parts_.context, {name_, code.component, code.plugin_id, code.config});
  parts_.directory.rehome(old, *next);
  parts_.calls.rehome(old, *next);
  parts_.device.forget(old);
  next->set_tenant(old.tenant());
  if (const routing::Channel* channel = channel_of(old))
    was_wanted_ = was_wanted_ || channel->connect;  // it may have been asked for meanwhile
  slot_ = std::move(next);
  stage_ = Stage::waiting;
  deadline_ns_ = monotonic_ns() + int64_t{ready_ms_} * kMs;
  misdeeds_ = count_misdeeds(nullptr);
  handled_ = count_handled(nullptr);
  if (!was_wanted_) return;
  slot_->start();
  // Before anything of its own. On a lane of its own it is being created; should that fail, stopped() takes it back.
  if (slot_->alive() || !slot_->on_main()) parts_.context.inbox.give(slot_->handle(), std::exchange(waiting_, {}));
}

bool InstanceMove::stopped(plugins::Instance& instance) {
  if (&instance != slot_.get()) return false;
  for (KeptMessage& message : parts_.context.inbox.take_waiting(instance.handle()))
    if (channel_of(instance) != nullptr) waiting_.push_back(std::move(message));
  return stage_ != Stage::over;
}

std::string InstanceMove::trouble() const {
  const plugins::Instance& now = *slot_;
  if (!was_wanted_ || !was_well_) return {};  // nothing was expected of it before
  const auto state = [&] {
    return std::string(plugins::name_of_state(now.state())) + (now.error().empty() ? "" : ": " + now.error());
  };
  if (now.state() == DTU_STATE_FAILED || now.restarts() != 0) return state();
  if (!now.running()) return "has not started yet";
  return handover_ != nullptr ? handover_->missing() : "";
}

// Of all its runs and all builds in its place.
uint64_t InstanceMove::count_misdeeds(std::string* last) const {
  using plugins::Fault;
  uint64_t count = 0;
  int64_t newest_ns = 0;
  for (const auto& [kind, happened] : slot_->faults().read()) {
    if (kind != Fault::exception && kind != Fault::stall && kind != Fault::overrun && kind != Fault::died) continue;
    count += happened.count;
    if (last == nullptr || happened.at_ns < newest_ns) continue;
    newest_ns = happened.at_ns;
    *last = happened.function + " " + happened.text;
  }
  return count;
}

std::string InstanceMove::misdeed() const {
  std::string last;
  return count_misdeeds(&last) > misdeeds_ ? last : std::string();
}

// Messages it brought to an end: of its channel, or of the ports that are up. waiting: those that are not at an end.
uint64_t InstanceMove::count_handled(uint64_t* waiting) const {
  uint64_t handled = 0;
  const auto add = [&](uint64_t done, uint64_t waits) {
    handled += done;
    if (waiting != nullptr) *waiting += waits;
  };
  if (const routing::Channel* channel = channel_of(*slot_)) {
    const auto n = channel->outbox.counters();
    add(n.delivered + n.unconfirmed + n.rejected + n.no_receiver, channel->carries() ? channel->outbox.messages() : 0);
  }
  for (const auto& port : parts_.router.ports())
    if (port->hal == slot_.get()) add(port->traffic.tx_messages, port->state == DTU_STATE_UP ? port->queue.size() : 0);
  return handled;
}

std::string InstanceMove::owed() const {
  uint64_t waiting = 0;
  const uint64_t handled = count_handled(&waiting);
  if (waiting == 0 || handled != handled_ || was_stuck_ || !was_well_) return {};
  return "takes nothing: " + counted(waiting, "message") + (waiting == 1 ? " waits" : " wait") +
         ", and it brought none to an end";
}

InstanceMove::Progress InstanceMove::fail(std::string why) {
  why_ = std::move(why);
  return settle(Progress::failed);
}

InstanceMove::Progress InstanceMove::settle(Progress result) {
  stage_ = Stage::over;
  ended_ns_ = monotonic_ns();
  // A failed one goes on being held: turn_back() follows. So that what it did not want is not tried by it any more.
  if (result == Progress::done || back_) {
    parts_.calls.release(*slot_);
    handover_.reset();
  }
  return result;
}

void InstanceMove::turn_back() {
  back_ = true;
  why_.clear();
  began_ns_ = monotonic_ns();
  deadline_ns_ = began_ns_ + int64_t{kDrain_ms} * kMs;
  if (handover_ != nullptr) return stop();  // it never worked
  // It was done: drained as at first.
  stage_ = Stage::draining;
  handover_ = std::make_unique<routing::Handover>(parts_.router, *slot_);
  parts_.calls.hold(*slot_);
  handover_->hurry(kDrain_ms);
}

}  // namespace dtud
