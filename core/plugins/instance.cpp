#include "plugins/instance.hpp"
#include "log/counted.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "config/json_text.hpp"
#include "plugins/event_service.hpp"
#include "plugins/host_table.hpp"
#include "plugins/instances.hpp"
#include "plugins/killers.hpp"
#include "plugins/sound.hpp"

namespace dtud::plugins {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kFirstDelay_ms = 500, kLongestDelay_ms = 60'000;
constexpr int64_t kRanWell_ns = 60'000 * kMs;    // a failure after this long starts the back-off from the beginning
constexpr int64_t kAfterProcess_ns = 400 * kMs;  // what an ended process held (a line, a listening socket) is free
constexpr int64_t kTakeDown_ms = 30'000;         // for a lane to come back from a plugin that failed
constexpr int64_t kChangesWindow_ns = 10'000 * kMs;
// In that window: a channel that reconnects as fast as its settings allow makes some thousand.
constexpr uint32_t kLoggedChanges = 100, kMostChanges = 20'000;

dtu_error blank() {
  dtu_error e{};
  e.struct_size = sizeof e;
  return e;
}

bool is_retryable(const dtu_error& error) {
  return (error.flags & DTU_ERR_RETRYABLE) != 0 || error.code == DTU_E_EXCEPTION;
}

template <typename Table>
void take(const LoadedComponent& component, const char* id, Table& table) {
  if (const auto theirs = component.iface<Table>(id)) table = *theirs;
}

}  // namespace

Instance::Instance(Context& context, Spec spec)
    : context_(context),
      spec_(std::move(spec)),
      faults_(context.instances.faults().of(spec_.name, spec_.plugin_id)),
      origin_(origin_of(spec_.plugin_id, spec_.component->build, spec_.config)),
      lane_(&context.main),
      jitter_(static_cast<uint32_t>(monotonic_ns() ^ std::hash<std::string>{}(spec_.name))) {
  const LoadedComponent& c = *spec_.component;
  // Calls of an isolated one run none of its code here.
  if (context.killers != nullptr && !c.isolated)
    number_ = context.killers->page().enter(spec_.name, spec_.plugin_id, origin_);
  take(c, DTU_CHANNEL_IFACE, tables_.channel);
  take(c, DTU_PORTS_IFACE, tables_.ports);
  take(c, DTU_POINTS_IFACE, tables_.points);
  take(c, DTU_COMMANDS_IFACE, tables_.commands);
  take(c, DTU_DIALECT_IFACE, tables_.dialect);
  restart_timer_ = context_.main.timers().create(restart_due, this);
  deadline_timer_ = context_.main.timers().create(deadline_passed, this);
  if ((c.caps & DTU_CAP_BLOCKING) != 0) {
    own_lane_ = std::make_unique<Lane>(spec_.name);
    lane_ = own_lane_.get();
    if (context_.killers != nullptr) context_.killers->page().seat(*lane_);
    own_thread_ = std::thread([lane = lane_] { lane->run(); });
    context_.stalls.add(*lane_, true);
  }
}

void FreeInstance::operator()(Instance* instance) const {
  std::unique_ptr<Instance> mine(instance);
  if (!mine->abandoned()) return;
  Instances& instances = mine->context().instances;
  instances.keep(std::move(mine));
}

Instance::~Instance() {
  context_.main.timers().destroy(restart_timer_);
  context_.main.timers().destroy(deadline_timer_);
  if (own_lane_ != nullptr) {
    if (!abandoned_) context_.stalls.remove(*own_lane_);
    own_lane_->stop();
    if (own_thread_.joinable()) own_thread_.join();
    if (context_.killers != nullptr) context_.killers->page().unseat(*own_lane_);
  }
  if (context_.killers != nullptr) context_.killers->page().leave(number_);
}

// --- start -----------------------------------------------------------------------------------------------------------

void Instance::start() {
  wanted_ = true;
  if (phase_ != Phase::idle) return;
  const bool suspect = context_.killers != nullptr && !spec_.component->isolated;
  const std::string why = suspect ? context_.killers->why_held(spec_.name, origin_) : std::string();
  if (why.empty()) return create();
  hold(why);
}

// It fails before its first call.
void Instance::hold(const std::string& why) {
  quarantine_ = why;
  error_ = "in quarantine: " + why;
  state_ = DTU_STATE_FAILED;
  context_.log.error(spec_.name, error_);
  dtu_error error = blank();
  error.code = DTU_E_INTERNAL;
  error_.copy(error.message, sizeof error.message - 1);
  context_.up.state_changed(*this, 0, state_, &error);
}

void Instance::create() {
  phase_ = Phase::starting;
  at_fault_.store(false);
  handle_ = &context_.instances.new_handle(*this);
  missed_before_ = missed_events();
  mailbox_ = std::make_shared<events::Mailbox>(*lane_, [this](const char* function, const std::function<void()>& fn) {
    guarded(function, nullptr, [&] { return fn(), DTU_OK; });
  });
  set_state(DTU_STATE_CONNECTING, nullptr);
  struct Created {
    dtu_status status;
    void* self;
    dtu_error error;
  };
  call(
      [this, json = spec_.config] {
        resources_ = std::make_unique<Resources>(*lane_, *this);
        kv_calls_ = std::make_unique<KvCalls>(*this);
        requests_ = std::make_unique<Requests>(*this);
        Created c{DTU_OK, nullptr, blank()};
        const dtu_str config{json.data(), json.size()};
        c.status = guarded("create", &c.error, [&] {
          return spec_.component->create(&host_table(), handle_->as_abi(), config, &c.self, &c.error);
        });
        if (c.status == DTU_OK) mailbox_->open();
        return c;
      },
      [this](const Created& c) {
        if (c.status != DTU_OK) return failed(c.error, is_retryable(c.error));
        self_ = c.self;
        started_ns_ = monotonic_ns();
        if (!wanted_ || renew_) return end(time_to_stop_ms());  // stop() or renew() came meanwhile
        start_created();
      });
}

void Instance::start_created() {
  struct Started {
    dtu_status status;
    dtu_error error;
  };
  call(
      [this] {
        Started s{DTU_OK, blank()};
        if (spec_.component->ops.start != nullptr)
          s.status = guarded("start", &s.error, [&] { return spec_.component->ops.start(self_, &s.error); });
        return s;
      },
      [this](const Started& s) {
        if (s.status != DTU_PENDING || !spec_.component->isolated) begun(s.status, s.error);
      });
}

void Instance::begun(dtu_status status, const dtu_error& error) {
  if (phase_ != Phase::starting) return;
  if (status < 0) return failed(error, is_retryable(error));
  phase_ = Phase::running;
  if (!wanted_ || renew_) return end(time_to_stop_ms());
  if (state_ == DTU_STATE_FAILED) return state_failed();  // reported from inside start()
  // A channel says itself when it is up; of the others, no news is good news.
  const bool silent = state_ == DTU_STATE_CONNECTING && tables_.channel.send == nullptr;
  if (status == DTU_OK && silent) set_state(DTU_STATE_UP, nullptr);
  context_.up.started(*this);
}

// --- failures --------------------------------------------------------------------------------------------------------

// What is told to others: a plugin may quote the URL it was given, with the password in it.
const dtu_error* Instance::without_secrets(const dtu_error* said, dtu_error& clean) const {
  if (said == nullptr) return nullptr;
  clean = *said;
  const std::string text = valid_utf8(context_.log.scrubber().clean(text_of(*said)), sizeof clean.message - 1);
  std::memset(static_cast<char*>(clean.message), 0, sizeof clean.message);
  text.copy(static_cast<char*>(clean.message), sizeof clean.message - 1);
  return &clean;
}

void Instance::failed(const dtu_error& error, bool retryable) {
  set_state(DTU_STATE_FAILED, &error);
  retryable_ = retryable;
  end(0);
}

void Instance::set_state(int32_t state, const dtu_error* said) {
  dtu_error clean{};
  const dtu_error* error = without_secrets(said, clean);
  const std::string text = text_of(error, spec_.name);
  // What the last try failed of stays to be seen while the next one is under way.
  const bool keeps_error = state == DTU_STATE_CONNECTING && text.empty();
  if (state == state_ && (keeps_error || text == error_)) return;
  state_ = state;
  if (!keeps_error) error_ = text;
  const bool bad = state == DTU_STATE_FAILED || state == DTU_STATE_DOWN || state == DTU_STATE_DEGRADED;
  const std::string line = std::string(name_of_state(state)) + (text.empty() ? "" : ": " + text);
  if (count_change() && context_.activity == nullptr)
    context_.log.write(bad ? Level::warning : Level::info, spec_.name, line);
  context_.up.state_changed(*this, 0, state, error);
}

// The plugin may be telling something from inside a call into it: what follows has to wait for the next turn.
void Instance::post_if_same_run(void (Instance::*then)()) {
  context_.main.post([this, then, &handle = *handle_] {
    if (handle.instance.load() == this) (this->*then)();
  });
}

void Instance::reported(uint64_t source, int32_t state, const dtu_error* error) {
  if (state < DTU_STATE_CONNECTING || state > DTU_STATE_STOPPED)
    return faults_.note(Fault::malformed, "report", "reports state " + std::to_string(state) + ", which there is not");
  if (source != 0) {
    dtu_error clean{};
    return context_.up.state_changed(*this, source, state, without_secrets(error, clean));
  }
  if (phase_ == Phase::ending) {
    if (state == DTU_STATE_STOPPED) post_if_same_run(&Instance::state_stopped);
    return;
  }
  if (state == DTU_STATE_STOPPED) return;
  set_state(state, error);
  if (state == DTU_STATE_FAILED) post_if_same_run(&Instance::state_failed);
}

void Instance::state_failed() {
  if (phase_ != Phase::running || state_ != DTU_STATE_FAILED) return;
  retryable_ = true;
  end(0);
}

bool Instance::count_change() {
  const int64_t now = context_.main.now_ns();
  if (now - changes_since_ns_ > kChangesWindow_ns) {
    changes_since_ns_ = now;
    changes_ = 0;
  }
  if (++changes_ <= kLoggedChanges) return true;
  // A link that comes and goes is nobody's fault. A plugin that reports without a pause is at fault.
  if (changes_ == kLoggedChanges + 1 && context_.activity == nullptr)
    context_.log.warning(spec_.name, "its state changed more than " + std::to_string(kLoggedChanges) +
                                         " times within 10 s: the next changes of these 10 s are not logged");
  if (changes_ == kMostChanges) {
    const std::string what = "changed the state " + std::to_string(kMostChanges) + " times within 10 s";
    faults_.note(Fault::flood, "report", what);
    condemn("report " + what, true);
  }
  return false;
}

void Instance::fault(Fault kind, const char* function, const std::string& what) noexcept {
  faults_.note(kind, function, what);
  condemn(std::string(function) + " " + what, true);
}

void Instance::threw(const char* function, const dtu_error& error) noexcept {
  faults_.note(Fault::exception, function != nullptr ? function : "a function", "threw: " + text_of(error));
  at_fault_.store(true);
}

void Instance::condemn(const std::string& why, bool blame) noexcept {
  if (blame) at_fault_.store(true);
  context_.main.post([this, why, &handle = *handle_] {
    // While it starts or ends, the status of that call says what comes next.
    if (handle.instance.load() != this || phase_ != Phase::running) return;
    dtu_error error = blank();
    error.code = DTU_E_INTERNAL;
    why.copy(error.message, sizeof error.message - 1);
    failed(error, true);
  });
}

void Instance::restart_later() {
  if (abandoned_) {
    quarantine_ = error_ +
                  "; the plugin did not return, so the instance was abandoned: change its configuration, or "
                  "restart dtud";
  } else if (at_fault_.load() && strikes_.add(monotonic_ns())) {
    quarantine_ = std::to_string(Strikes::kMost) + " runs ended by faults of plugin " + spec_.plugin_id +
                  " within a minute, the last: " + error_;
  }
  if (!quarantine_.empty()) {
    error_ = "in quarantine: " + quarantine_;
    context_.log.error(spec_.name, error_ + (abandoned_ ? "" : "; dtuctl plugins retry '" + spec_.name + "'"));
    return;
  }
  if (!retryable_) {
    context_.log.error(spec_.name,
                       "is not restarted automatically: correct the configuration of the instance and apply it");
    return;
  }
  if (started_ns_ != 0 && monotonic_ns() - started_ns_ > kRanWell_ns) failures_ = 0;
  const int64_t base = std::min(kLongestDelay_ms, kFirstDelay_ms << std::min<uint32_t>(failures_, 10));
  const int64_t delay_ms = base * 8 / 10 + static_cast<int64_t>(jitter_() % static_cast<uint32_t>(base * 4 / 10 + 1));
  ++failures_;
  context_.main.timers().arm(restart_timer_, monotonic_ns() + delay_ms * kMs);
  context_.log.info(spec_.name, "starts again in " + std::to_string(delay_ms) + " ms");
}

std::string Instance::retry() {
  if (!wanted_) return spec_.name + " is not meant to run: dtuctl connect starts a channel";
  if (abandoned_) return error_;
  if (phase_ != Phase::idle) return spec_.name + " is not down: it is " + name_of_state(state_);
  context_.main.timers().disarm(restart_timer_);
  if (context_.killers != nullptr) context_.killers->forgive(spec_.name);
  quarantine_.clear();
  error_.clear();
  strikes_.clear();
  failures_ = 0;
  retryable_ = true;
  context_.log.info(spec_.name, "starts again on request");
  restart_due(this);
  return {};
}

void Instance::restart_due(void* self) {
  auto& me = *static_cast<Instance*>(self);
  if (!me.wanted_ || me.phase_ != Phase::idle) return;
  if (!std::exchange(me.renew_, false)) ++me.restarts_;
  me.create();
}

// --- the end ---------------------------------------------------------------------------------------------------------

void Instance::stop(uint32_t deadline_ms, std::function<void()> done) {
  wanted_ = false;
  context_.main.timers().disarm(restart_timer_);
  if (phase_ == Phase::idle) {
    state_ = DTU_STATE_STOPPED;
    quarantine_.clear();
    renew_ = false;
    context_.main.post(std::move(done));
    return;
  }
  stopped_.push_back(std::move(done));
  if (stopped_.size() > 1) return;
  arm_stop(deadline_ms);
  // What is starting or ending comes by here when it has; a process that starts is not waited for.
  const bool far_away = spec_.component->isolated && phase_ == Phase::starting && self_ != nullptr;
  if (phase_ == Phase::running || far_away) end(deadline_ms);
}

void Instance::arm_stop(uint32_t deadline_ms) {
  stop_by_ns_ = monotonic_ns() + int64_t{deadline_ms} * kMs;
  // Half a second more than the plugin was given: it may use all of its time.
  context_.main.timers().arm(deadline_timer_, monotonic_ns() + (int64_t{deadline_ms} + 500) * kMs);
}

void Instance::renew(std::string config, uint32_t deadline_ms) {
  spec_.config = std::move(config);
  if (!wanted_ || abandoned_ || std::exchange(renew_, true)) return;
  context_.main.timers().disarm(restart_timer_);
  quarantine_.clear();
  failures_ = 0;
  if (phase_ == Phase::idle) {
    renew_ = false;
    return create();
  }
  arm_stop(deadline_ms);
  if (phase_ == Phase::running) end(deadline_ms);  // one that is starting or ending comes by there
}

// Of one that was asked to stop while it started. At least a moment: without any it would not be waited for at all.
uint32_t Instance::time_to_stop_ms() const {
  return static_cast<uint32_t>(std::max<int64_t>(1, (stop_by_ns_ - monotonic_ns()) / kMs));
}

// Ends the plugin's side; without a deadline it is not waited for, unless it holds up its lane.
void Instance::end(uint32_t deadline_ms) {
  handle_->closing.store(true);
  mailbox_->close();
  if (self_ != nullptr) context_.up.stopping(*this);
  phase_ = Phase::ending;
  if (stopped_.empty() && !renew_ && !on_main())  // nobody asked for it, so nobody has set a deadline
    context_.main.timers().arm(deadline_timer_, monotonic_ns() + kTakeDown_ms * kMs);
  if (self_ == nullptr) return take_down(false);
  call(
      [this, deadline_ms] {
        dtu_error error = blank();
        const dtu_ops& ops = spec_.component->ops;
        if (ops.stop == nullptr) return DTU_OK;
        return guarded("stop", &error, [&] { return ops.stop(self_, deadline_ms, &error); });
      },
      [this, deadline_ms](dtu_status status) {
        if (status == DTU_PENDING && deadline_ms != 0) return;  // report(STOPPED) follows, or the deadline passes
        take_down(status != DTU_E_EXCEPTION);                   // what cannot even stop is not to be destroyed
      });
}

// On the lane, after the last function of the plugin and before its destroy(): every callback the host keeps is ended.
void Instance::end_callbacks() {
  std::deque<dtu_task> tasks;
  {
    Lock lock(handle_->door);
    handle_->ended.store(true);  // a post() that comes later is refused, and ends its task itself
    tasks.swap(handle_->tasks);
  }
  mailbox_->release();
  requests_->release_all();
  kv_calls_->release();
  for (const dtu_task& task : tasks) end_callback(*this, "destroy of a posted function", task.destroy, task.ctx);
  resources_->end_callbacks();
}

void Instance::take_down(bool destroy) {
  if (phase_ != Phase::ending || std::exchange(taking_down_, true)) return;
  call(
      [this, destroy] {
        end_callbacks();
        note_flood(*handle_, "publish", true);
        dtu_status status = DTU_OK;
        if (destroy) status = guarded("destroy", nullptr, [&] { return spec_.component->ops.destroy(self_), DTU_OK; });
        const char* function = destroy ? "destroy" : "create";
        const bool is_over = destroy || self_ == nullptr;  // else it is given up with all it has
        if (const size_t left = resources_->release_all(); left != 0 && is_over)
          faults_.note(
              Fault::left_behind, function,
              "did not release " + counted(left, "resource") + " (timers or watched descriptors): dtud removed them");
        if (const int64_t held = handle_->buffers.load(); held != 0 && is_over)
          faults_.note(Fault::buffers, function,
                       held > 0 ? "did not release " + counted(static_cast<uint64_t>(held), "buffer reference") +
                                      ": the memory is lost"
                                : "released " + counted(static_cast<uint64_t>(-held), "buffer reference") +
                                      " more than it held");
        return status;
      },
      [this](dtu_status) { ended(); });
}

void Instance::deadline_passed(void* instance) {
  auto& me = *static_cast<Instance*>(instance);
  if (me.phase_ == Phase::idle) return;
  const char* held_in = me.on_main() ? nullptr : me.lane_->function();
  me.faults_.note(Fault::stop, held_in != nullptr ? held_in : "stop",
                  "did not return: the instance did not stop in time and is abandoned; restart dtud to remove it");
  if (me.on_main()) {
    me.end_callbacks();
    me.resources_->release_all();
  } else {
    // Its code may still be running: nothing of it is freed, and no word of it is heard any more.
    me.abandoned_ = true;
    me.context_.instances.count_abandoned();
    me.context_.stalls.remove(*me.own_lane_);
    me.own_lane_->stop();
  }
  me.ended();
}

void Instance::ended() {
  context_.main.timers().disarm(deadline_timer_);
  if (!abandoned_) self_ = nullptr;
  phase_ = Phase::idle;
  mailbox_->close();  // one that did not even come back from create() was not asked to stop
  taking_down_ = asked_health_ = false;
  context_.up.stopped(*this);
  context_.instances.retire(*handle_, !abandoned_);
  if (renew_ && wanted_ && !abandoned_) {
    error_.clear();
    if (spec_.component->isolated) {
      context_.main.timers().arm(restart_timer_, monotonic_ns() + kAfterProcess_ns);
      return;
    }
    renew_ = false;
    return create();
  }
  renew_ = false;
  if (wanted_) return restart_later();
  state_ = DTU_STATE_STOPPED;
  error_.clear();
  const auto told = std::exchange(stopped_, {});
  for (const auto& done : told) done();  // the first may free this
}

void Instance::answer(std::function<void()> tell) {
  if (mailbox_ != nullptr) mailbox_->answer(std::move(tell));
}

uint64_t Instance::missed_events() const { return missed_before_ + (mailbox_ != nullptr ? mailbox_->missed() : 0); }

// --- questions -------------------------------------------------------------------------------------------------------

void Instance::tell_writable(uint64_t source) {
  if (!alive() || spec_.component->ops.writable == nullptr) return;
  call(
      [this, source] {
        return guarded("writable", nullptr, [&] { return spec_.component->ops.writable(self_, source), DTU_OK; });
      },
      [](dtu_status) {});
}

const std::string& Instance::health() {
  if (!alive() || spec_.component->ops.health == nullptr) return health_ = "{}";
  if (std::exchange(asked_health_, true)) return health_;  // not answered yet
  call(
      [this] {
        std::string said;
        const auto take = [](void* to, dtu_str json) noexcept {
          static_cast<std::string*>(to)->assign(is_sound(json) && json.len <= DTU_PAYLOAD_MAX ? view(json) : "?");
        };
        const auto status = guarded("health", nullptr, [&] { return spec_.component->ops.health(self_, take, &said); });
        if (status != DTU_OK) return std::string();
        if (is_utf8(said)) return said;
        faults_.note(Fault::malformed, "health", "is not UTF-8: what is not was replaced by U+FFFD");
        return valid_utf8(said);
      },
      [this](std::string said) {
        asked_health_ = false;
        config::Findings findings;
        if (!said.empty() && !config::read_json(said, "", findings)) {
          faults_.note(Fault::malformed, "health", "returned a text that is not a JSON object");
          said.clear();
        }
        health_ = said.empty() ? "{}" : context_.log.scrubber().clean_json(said);
      });
  return health_;
}

}  // namespace dtud::plugins
