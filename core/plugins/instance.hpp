// One configured component: created, started, watched, started anew with growing delays when it fails, put into
// quarantine when its plugin keeps breaking the contract, stopped. The object stays while the plugin's side of it comes
// and goes. Main lane, unless a function says otherwise; a component with DTU_CAP_BLOCKING has a lane of its own, and
// `call` goes there.
#pragma once
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "events/mailbox.hpp"
#include "plugins/call_length.hpp"
#include "plugins/context.hpp"
#include "plugins/faults.hpp"
#include "plugins/interfaces.hpp"
#include "plugins/isolation/activity.hpp"
#include "plugins/kv_calls.hpp"
#include "plugins/loader/loader.hpp"
#include "plugins/requests.hpp"
#include "plugins/resources.hpp"

namespace dtud::plugins {

class Instance;

// Frees an instance, unless its plugin is still inside a call: that one is kept by Instances until the end.
struct FreeInstance {
  void operator()(Instance* instance) const;
};
using InstancePtr = std::unique_ptr<Instance, FreeInstance>;

class Instance {
 public:
  struct Spec {
    std::string name;  // "channel 1", "hal sim", "command dtu"
    const LoadedComponent* component;
    std::string plugin_id;  // for messages
    std::string config;     // valid JSON of the component's schema
  };

  static InstancePtr make(Context& context, Spec spec) {
    return InstancePtr(std::make_unique<Instance>(context, std::move(spec)).release());
  }
  Instance(Context& context, Spec spec);
  ~Instance();  // must be stopped
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  void start();
  // Stops and destroys the plugin's side within the deadline, or abandons it; then calls done, which may free this.
  // Whoever asks while it is stopping already is told at the same time.
  void stop(uint32_t deadline_ms, std::function<void()> done);
  // The plugin's side is stopped within the deadline and made anew with this configuration, at once and out of
  // quarantine; at the next start(), if it is not wanted now.
  void renew(std::string config, uint32_t deadline_ms);

  [[nodiscard]] const std::string& name() const { return spec_.name; }
  [[nodiscard]] const LoadedComponent& component() const { return *spec_.component; }
  [[nodiscard]] const std::string& plugin_id() const { return spec_.plugin_id; }
  [[nodiscard]] const std::string& config() const { return spec_.config; }
  [[nodiscard]] int32_t state() const { return state_; }  // DTU_STATE_...
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] uint32_t restarts() const { return restarts_; }
  // Why it is not started again by itself any more: its plugin ended too many of its runs by faults, or dtud itself
  // (Killers). "" = it is not so.
  [[nodiscard]] const std::string& quarantine() const { return quarantine_; }
  // Starts it at once, out of quarantine, back-off or waiting for a correction. "", or why that cannot be.
  [[nodiscard]] std::string retry();
  // Its functions may be called.
  [[nodiscard]] bool alive() const { return self_ != nullptr && (phase_ == Phase::starting || running()); }
  [[nodiscard]] bool running() const { return phase_ == Phase::running; }  // start() is over, stop() did not begin
  [[nodiscard]] bool wanted() const { return wanted_; }                    // start() was called and stop() was not
  [[nodiscard]] bool abandoned() const { return abandoned_; }              // its lane did not come back from the plugin
  [[nodiscard]] const Tables& tables() const { return tables_; }
  [[nodiscard]] void* self() const { return self_; }
  [[nodiscard]] Lane& lane() const { return *lane_; }
  [[nodiscard]] bool on_main() const { return lane_ == &context_.main; }
  [[nodiscard]] Handle& handle() const { return *handle_; }
  [[nodiscard]] Resources& resources() { return *resources_; }
  [[nodiscard]] KvCalls& kv_calls() { return *kv_calls_; }
  [[nodiscard]] Requests& requests() { return *requests_; }
  [[nodiscard]] Context& context() const { return context_; }
  [[nodiscard]] Faults& faults() const { return faults_; }  // of all its runs

  // What the plugin says of itself, one JSON object ("{}" when it says nothing). Of an instance on a lane of its own it
  // is what it said when asked before: its lane may be busy for long.
  const std::string& health();

  // Runs a plugin function on the instance's lane (the current one) behind a net for exceptions. function: a literal.
  template <typename Fn>
  dtu_status guarded(const char* function, dtu_error* error, Fn&& fn) noexcept;
  // The same wherever the instance lives: fn on its lane, then `then(result)` on the main lane, at once if that is the
  // lane. The result must be movable. `then` is dropped when this run of the instance is over by then.
  template <typename Fn, typename Then>
  void call(Fn fn, Then then);

  // A dialect that has been told more than it has dealt with (only an isolated one can be): no more until
  // Upcalls::has_room.
  [[nodiscard]] bool crowded() const { return crowded_; }
  void set_crowded(bool crowded) { crowded_ = crowded; }

  // Runs `tell` on its lane, in order with the events it gets and never inside a call into it: an answer to a call of
  // it. Dropped when this run of the instance is over by then. Main lane.
  void answer(std::function<void()> tell);
  // Its mailbox; null before its first run.
  [[nodiscard]] const events::MailboxPtr& mailbox() const { return mailbox_; }

  // Events it subscribed to and was too slow for, in all its runs.
  [[nodiscard]] uint64_t missed_events() const;

  // Who in routing this instance is; not ours to look at.
  void set_tenant(void* tenant) { tenant_ = tenant; }
  [[nodiscard]] void* tenant() const { return tenant_; }

  // What start() came to, of an isolated component: it answers late.
  void begun(dtu_status status, const dtu_error& error);
  // The plugin reported a state of itself (source 0) or of a port.
  void reported(uint64_t source, int32_t state, const dtu_error* error);
  void tell_writable(uint64_t source);
  // A plugin function broke its contract so that this run cannot go on: counted (Faults::note), and what condemn()
  // does, to the plugin's blame. While the instance lives: any thread.
  void fault(Fault kind, const char* function, const std::string& what) noexcept;
  // The same for what it reports itself: that it FAILED because `function` (null: unknown) threw.
  void threw(const char* function, const dtu_error& error) noexcept;
  // This run, should it end, is a fault of the plugin. Any thread.
  void blame() noexcept { at_fault_.store(true); }
  // Takes the instance down, to be started anew. blame: three of these within a minute are a quarantine.
  void condemn(const std::string& why, bool blame) noexcept;
  // The state of the plugin or of a port of it changed: whether to log that. One that does so without end is condemned.
  [[nodiscard]] bool count_change();

 private:
  // idle -> starting -> running -> ending -> idle. Under `ending` nothing new is asked of the plugin: on a lane of its
  // own, stop() and destroy() are queued or under way.
  enum class Phase { idle, starting, running, ending };
  void hold(const std::string& why);
  void create();
  void start_created();
  void failed(const dtu_error& error, bool retryable);
  void end(uint32_t deadline_ms);
  void arm_stop(uint32_t deadline_ms);
  void take_down(bool destroy);
  void end_callbacks();
  void ended();
  [[nodiscard]] const dtu_error* without_secrets(const dtu_error* said, dtu_error& clean) const;
  void set_state(int32_t state, const dtu_error* said);
  void restart_later();
  [[nodiscard]] uint32_t time_to_stop_ms() const;
  void post_if_same_run(void (Instance::*then)());
  void state_failed();
  void state_stopped() { take_down(true); }
  static void restart_due(void* self);
  static void deadline_passed(void* self);

  Context& context_;
  Spec spec_;
  Faults& faults_;
  const uint64_t origin_;  // of its plugin file and configuration, for Killers
  uint32_t number_ = 0;    // of CallPage
  Tables tables_;
  std::unique_ptr<Lane> own_lane_;
  std::thread own_thread_;
  Lane* lane_;
  Handle* handle_ = nullptr;
  std::unique_ptr<Resources> resources_;
  std::unique_ptr<KvCalls> kv_calls_;
  std::unique_ptr<Requests> requests_;
  events::MailboxPtr mailbox_;  // of this run
  uint64_t missed_before_ = 0;  // events, in the runs before
  void* self_ = nullptr;
  void* tenant_ = nullptr;
  int32_t state_ = DTU_STATE_STOPPED;
  std::string error_, quarantine_, health_ = "{}";
  uint32_t restarts_ = 0, failures_ = 0;     // failures: since it last ran well
  int64_t started_ns_ = 0, stop_by_ns_ = 0;  // stop_by: when the deadline of stop() is over
  Phase phase_ = Phase::idle;
  bool taking_down_ = false, retryable_ = true, renew_ = false;
  bool wanted_ = false, abandoned_ = false, asked_health_ = false, crowded_ = false;
  std::atomic<bool> at_fault_{false};  // this run
  Strikes strikes_;
  uint32_t changes_ = 0;  // of states, since changes_since_ns_
  int64_t changes_since_ns_ = 0;
  std::vector<std::function<void()>> stopped_;  // to be told when it is
  uint64_t restart_timer_ = 0, deadline_timer_ = 0;
  std::minstd_rand jitter_;
};

}  // namespace dtud::plugins

#include "plugins/instance_call.hpp"
