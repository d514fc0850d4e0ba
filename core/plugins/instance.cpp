#include "plugins/instance.hpp"

#include <algorithm>
#include <utility>

#include "plugins/host_table.hpp"
#include "plugins/instances.hpp"

namespace dtud::plugins {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kFirstDelay_ms = 500, kLongestDelay_ms = 60'000;
constexpr int64_t kRanWell_ns = 60'000 * kMs;  // a failure after this long starts the back-off from the beginning

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
      lane_(&context.main),
      jitter_(static_cast<uint32_t>(monotonic_ns() ^ std::hash<std::string>{}(spec_.name))) {
  const LoadedComponent& c = *spec_.component;
  take(c, DTU_CHANNEL_IFACE, tables_.channel);
  take(c, DTU_PORTS_IFACE, tables_.ports);
  take(c, DTU_POINTS_IFACE, tables_.points);
  take(c, DTU_NETWORK_IFACE, tables_.network);
  take(c, DTU_FIRMWARE_IFACE, tables_.firmware);
  take(c, DTU_COMMANDS_IFACE, tables_.commands);
  take(c, DTU_DIALECT_IFACE, tables_.dialect);
  restart_timer_ = context_.main.timers().create(restart_due, this);
  deadline_timer_ = context_.main.timers().create(deadline_passed, this);
  if ((c.caps & DTU_CAP_BLOCKING) != 0) {
    own_lane_ = std::make_unique<Lane>(spec_.name);
    lane_ = own_lane_.get();
    own_thread_ = std::thread([lane = lane_] { lane->run(); });
    context_.stalls.add(*lane_);
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
  }
}

// --- start -----------------------------------------------------------------------------------------------------------

void Instance::start() {
  wanted_ = true;
  if (phase_ == Phase::idle) create();
}

void Instance::create() {
  phase_ = Phase::starting;
  handle_ = &context_.instances.new_handle(*this);
  set_state(DTU_STATE_CONNECTING, nullptr);
  struct Created {
    dtu_status status;
    void* self;
    dtu_error error;
  };
  call(
      [this] {
        resources_ = std::make_unique<Resources>(*lane_, *this);
        Created c{DTU_OK, nullptr, blank()};
        const dtu_str config{spec_.config.data(), spec_.config.size()};
        c.status = guarded("create", &c.error, [&] {
          return spec_.component->create(&host_table(), handle_->as_abi(), config, &c.self, &c.error);
        });
        return c;
      },
      [this](const Created& c) {
        if (c.status != DTU_OK) return failed(c.error, is_retryable(c.error));
        self_ = c.self;
        started_ns_ = monotonic_ns();
        if (!wanted_) return end(0);  // stop() came meanwhile
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
  if (!wanted_) return end(0);
  if (state_ == DTU_STATE_FAILED) return state_failed();  // reported from inside start()
  // A channel says itself when it is up; of the others, no news is good news.
  const bool silent = state_ == DTU_STATE_CONNECTING && tables_.channel.send == nullptr;
  if (status == DTU_OK && silent) set_state(DTU_STATE_UP, nullptr);
  context_.up.started(*this);
}

// --- failures --------------------------------------------------------------------------------------------------------

void Instance::failed(const dtu_error& error, bool retryable) {
  set_state(DTU_STATE_FAILED, &error);
  retryable_ = retryable;
  end(0);
}

void Instance::set_state(int32_t state, const dtu_error* error) {
  const std::string text = error != nullptr ? error->message : "";
  if (state == state_ && text == error_) return;
  state_ = state;
  error_ = text;
  const bool bad = state == DTU_STATE_FAILED || state == DTU_STATE_DOWN || state == DTU_STATE_DEGRADED;
  const std::string line = std::string(name_of_state(state)) + (text.empty() ? "" : ": " + text);
  if (context_.activity == nullptr) context_.log.write(bad ? Level::warning : Level::info, spec_.name, line);
  context_.up.state_changed(*this, 0, state, error);
}

// The plugin may be telling something from inside a call into it: what follows has to wait for the next turn.
void Instance::post_if_same_run(void (Instance::*then)()) {
  context_.main.post([this, then, &handle = *handle_] {
    if (handle.instance.load() == this) (this->*then)();
  });
}

void Instance::reported(uint64_t source, int32_t state, const dtu_error* error) {
  if (source != 0) return context_.up.state_changed(*this, source, state, error);
  if (state < DTU_STATE_CONNECTING || state > DTU_STATE_STOPPED) return;
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

void Instance::fault(const char* function, const std::string& what) noexcept {
  context_.log.error(spec_.name, std::string(function) + " of plugin " + spec_.plugin_id + " threw: " + what +
                                     "; the instance is started anew");
  context_.main.post([this, what, &handle = *handle_] {
    // While it starts or ends, the status of that call says what comes next.
    if (handle.instance.load() != this || phase_ != Phase::running) return;
    dtu_error error = blank();
    error.code = DTU_E_EXCEPTION;
    what.copy(error.message, sizeof error.message - 1);
    failed(error, true);
  });
}

void Instance::restart_later() {
  if (!retryable_) {
    context_.log.error(spec_.name, "not started again by itself: correct its configuration and apply it");
    return;
  }
  if (started_ns_ != 0 && monotonic_ns() - started_ns_ > kRanWell_ns) failures_ = 0;
  const int64_t base = std::min(kLongestDelay_ms, kFirstDelay_ms << std::min<uint32_t>(failures_, 10));
  const int64_t delay_ms = base * 8 / 10 + static_cast<int64_t>(jitter_() % static_cast<uint32_t>(base * 4 / 10 + 1));
  ++failures_;
  context_.main.timers().arm(restart_timer_, monotonic_ns() + delay_ms * kMs);
  context_.log.info(spec_.name, "starts again in " + std::to_string(delay_ms) + " ms");
}

void Instance::restart_due(void* self) {
  auto& me = *static_cast<Instance*>(self);
  if (!me.wanted_ || me.phase_ != Phase::idle) return;
  ++me.restarts_;
  me.create();
}

// --- the end ---------------------------------------------------------------------------------------------------------

void Instance::stop(uint32_t deadline_ms, std::function<void()> done) {
  wanted_ = false;
  context_.main.timers().disarm(restart_timer_);
  if (phase_ == Phase::idle) {
    state_ = DTU_STATE_STOPPED;
    context_.main.post(std::move(done));
    return;
  }
  stopped_.push_back(std::move(done));
  if (stopped_.size() > 1) return;
  // Half a second more than the plugin was given: it may use all of its time.
  context_.main.timers().arm(deadline_timer_, monotonic_ns() + (int64_t{deadline_ms} + 500) * kMs);
  // What is starting or ending comes by here when it has; a process that starts is not waited for.
  const bool far_away = spec_.component->isolated && phase_ == Phase::starting && self_ != nullptr;
  if (phase_ == Phase::running || far_away) end(deadline_ms);
}

// Ends the plugin's side; without a deadline it is not waited for, unless it holds up its lane.
void Instance::end(uint32_t deadline_ms) {
  handle_->closing.store(true);
  if (self_ != nullptr) context_.up.stopping(*this);
  phase_ = Phase::ending;
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

void Instance::take_down(bool destroy) {
  if (phase_ != Phase::ending || std::exchange(taking_down_, true)) return;
  call(
      [this, destroy] {
        handle_->ended.store(true);
        dtu_status status = DTU_OK;
        if (destroy) status = guarded("destroy", nullptr, [&] { return spec_.component->ops.destroy(self_), DTU_OK; });
        if (const size_t left = resources_->release_all(); left != 0)
          context_.log.warning(spec_.name, std::to_string(left) +
                                               " timers or watched descriptors were left behind by plugin " +
                                               spec_.plugin_id + " and were taken back");
        return status;
      },
      [this](dtu_status) { ended(); });
}

void Instance::deadline_passed(void* instance) {
  auto& me = *static_cast<Instance*>(instance);
  if (me.phase_ == Phase::idle) return;
  me.context_.log.error(me.spec_.name, "did not stop in time and is abandoned; restart dtud to be rid of it");
  if (me.on_main()) {
    me.resources_->release_all();
  } else {
    // Its code may still be running: nothing of it is freed, and no word of it is heard any more.
    me.abandoned_ = true;
    me.context_.stalls.remove(*me.own_lane_);
    me.own_lane_->stop();
  }
  me.ended();
}

void Instance::ended() {
  context_.main.timers().disarm(deadline_timer_);
  if (!abandoned_) self_ = nullptr;
  phase_ = Phase::idle;
  taking_down_ = asked_health_ = false;
  kept_.clear();
  context_.up.stopped(*this);
  context_.instances.retire(*handle_, !abandoned_);
  if (wanted_) return restart_later();
  state_ = DTU_STATE_STOPPED;
  error_.clear();
  const auto told = std::exchange(stopped_, {});
  for (const auto& done : told) done();  // the first may free this
}

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
          if (json.len <= DTU_PAYLOAD_MAX) static_cast<std::string*>(to)->assign(json.ptr, json.len);
        };
        const auto status = guarded("health", nullptr, [&] { return spec_.component->ops.health(self_, take, &said); });
        return status == DTU_OK ? said : std::string();
      },
      [this](std::string said) {
        asked_health_ = false;
        health_ = said.empty() ? "{}" : std::move(said);
      });
  return health_;
}

void Instance::reconfigure(const std::string& config, std::function<void(bool)> done) {
  if (!alive() || spec_.component->ops.reconfigure == nullptr) return done(false);
  call(
      [this, config] {
        dtu_error error = blank();
        return guarded("reconfigure", &error, [&] {
          return spec_.component->ops.reconfigure(self_, {config.data(), config.size()}, &error);
        });
      },
      [this, config, done = std::move(done)](dtu_status status) {
        if (status == DTU_OK) spec_.config = config;
        done(status == DTU_OK);
      });
}

}  // namespace dtud::plugins
