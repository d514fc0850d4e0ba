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

Instance::~Instance() {
  context_.main.timers().destroy(restart_timer_);
  context_.main.timers().destroy(deadline_timer_);
  if (own_lane_ != nullptr) {
    context_.stalls.remove(*own_lane_);
    own_lane_->stop();
    if (own_thread_.joinable()) own_thread_.join();
  }
}

void Instance::start() {
  wanted_ = true;
  stopping_ = false;
  create_and_start();
}

void Instance::create_and_start() {
  handle_ = &context_.instances.new_handle(*this);
  set_state(DTU_STATE_CONNECTING, nullptr);
  struct Created {
    dtu_status status;
    void* self;
    dtu_error error;
  };
  call(
      [this] {
        resources_ = std::make_unique<Resources>(*lane_, handle_->name);
        Created c{DTU_OK, nullptr, blank()};
        const dtu_str config{spec_.config.data(), spec_.config.size()};
        c.status = guarded("create", &c.error, [&] {
          return spec_.component->create(&host_table(), handle_->as_abi(), config, &c.self, &c.error);
        });
        return c;
      },
      [this](Created c) {
        if (c.status != DTU_OK) return start_failed(c.error);
        self_ = c.self;
        started_ns_ = monotonic_ns();
        call(
            [this] {
              Created s{DTU_OK, self_, blank()};
              if (spec_.component->ops.start != nullptr)
                s.status = guarded("start", &s.error, [&] { return spec_.component->ops.start(self_, &s.error); });
              return s;
            },
            [this](Created s) {
              if (s.status < 0) return start_failed(s.error);
              // A channel says itself when it is up; of the others, no news is good news.
              const bool silent = state_ == DTU_STATE_CONNECTING && tables_.channel.send == nullptr;
              if (s.status == DTU_OK && silent) set_state(DTU_STATE_UP, nullptr);
              context_.up.started(*this);
            });
      });
}

void Instance::start_failed(const dtu_error& error) {
  const bool retryable = (error.flags & DTU_ERR_RETRYABLE) != 0 || error.code == DTU_E_EXCEPTION;
  set_state(DTU_STATE_FAILED, &error);
  discard([this, retryable] { restart_later(retryable); });
}

void Instance::set_state(int32_t state, const dtu_error* error) {
  const std::string text = error != nullptr ? error->message : "";
  if (state == state_ && text == error_) return;
  state_ = state;
  error_ = text;
  const bool bad = state == DTU_STATE_FAILED || state == DTU_STATE_DOWN || state == DTU_STATE_DEGRADED;
  const std::string line = std::string(name_of_state(state)) + (text.empty() ? "" : ": " + text);
  context_.log.write(bad ? Level::warning : Level::info, spec_.name, line);
  context_.up.state_changed(*this, 0, state, error);
}

void Instance::reported(uint64_t source, int32_t state, const dtu_error* error) {
  if (source != 0) return context_.up.state_changed(*this, source, state, error);
  if (state < DTU_STATE_CONNECTING || state > DTU_STATE_STOPPED) return;
  if (state == DTU_STATE_STOPPED) {
    if (stopping_)
      context_.main.post([this, here = std::weak_ptr<bool>(here_)] {
        if (here.lock()) finish_stop(false);
      });
    return;
  }
  if (stopping_) return;
  set_state(state, error);
  if (state != DTU_STATE_FAILED) return;
  // The plugin may be telling this from inside a call into it: its end has to wait for the next turn.
  context_.main.post([this, here = std::weak_ptr<bool>(here_)] {
    if (here.lock() && self_ != nullptr && !stopping_ && state_ == DTU_STATE_FAILED)
      discard([this] { restart_later(true); });
  });
}

void Instance::fault(const char* function, const std::string& what) noexcept {
  context_.log.error(spec_.name, std::string(function) + " of plugin " + spec_.plugin_id + " threw: " + what +
                                     "; the instance is started anew");
  context_.main.post([this, what, here = std::weak_ptr<bool>(here_)] {
    if (!here.lock() || self_ == nullptr || stopping_) return;
    dtu_error error = blank();
    error.code = DTU_E_EXCEPTION;
    what.copy(error.message, sizeof error.message - 1);
    set_state(DTU_STATE_FAILED, &error);
    discard([this] { restart_later(true); });
  });
}

void Instance::restart_later(bool retryable) {
  if (!wanted_) return;
  if (!retryable) {
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
  if (!me.wanted_ || me.self_ != nullptr) return;
  ++me.restarts_;
  me.create_and_start();
}

void Instance::tell_writable(uint64_t source) {
  if (!alive() || spec_.component->ops.writable == nullptr) return;
  call(
      [this, source] {
        return guarded("writable", nullptr, [&] {
          spec_.component->ops.writable(self_, source);
          return DTU_OK;
        });
      },
      [](dtu_status) {});
}

// Takes the plugin's side down without ceremony: after a failure.
void Instance::discard(std::function<void()> then) {
  handle_->closing.store(true);
  call(
      [this] {
        dtu_status status = DTU_OK;
        if (self_ != nullptr) {
          dtu_error ignored = blank();
          const dtu_ops& ops = spec_.component->ops;
          if (ops.stop != nullptr) status = guarded("stop", &ignored, [&] { return ops.stop(self_, 0, &ignored); });
          if (status != DTU_E_EXCEPTION)
            status = guarded("destroy", nullptr, [&] { return ops.destroy(self_), DTU_OK; });
        }
        resources_->release_all();
        return status;
      },
      [this, then = std::move(then)](dtu_status) {
        self_ = nullptr;
        kept_.clear();
        context_.up.stopped(*this);
        context_.instances.retire(*handle_);
        then();
      });
}

void Instance::stop(uint32_t deadline_ms, std::function<void()> done) {
  wanted_ = false;
  context_.main.timers().disarm(restart_timer_);
  if (self_ == nullptr) {
    state_ = DTU_STATE_STOPPED;
    context_.main.post(std::move(done));
    return;
  }
  stopping_ = true;
  stopped_ = std::move(done);
  handle_->closing.store(true);
  // Half a second more than the plugin was given: it may use all of its time.
  context_.main.timers().arm(deadline_timer_, monotonic_ns() + (int64_t{deadline_ms} + 500) * kMs);
  call(
      [this, deadline_ms] {
        dtu_error error = blank();
        const dtu_ops& ops = spec_.component->ops;
        if (ops.stop == nullptr) return DTU_OK;
        return guarded("stop", &error, [&] { return ops.stop(self_, deadline_ms, &error); });
      },
      [this](dtu_status status) {
        if (status == DTU_E_EXCEPTION) return finish_stop(true);
        if (status != DTU_PENDING) finish_stop(false);
      });
}

void Instance::deadline_passed(void* self) {
  auto& me = *static_cast<Instance*>(self);
  if (!me.stopping_) return;
  me.context_.log.error(me.spec_.name, "did not stop in time and is abandoned; restart dtud to be rid of it");
  me.finish_stop(true);
}

void Instance::finish_stop(bool abandoned) {
  if (!stopped_) return;
  context_.main.timers().disarm(deadline_timer_);
  auto done = std::exchange(stopped_, nullptr);
  const auto finish = [this](const std::function<void()>& then) {
    self_ = nullptr;
    stopping_ = false;
    state_ = DTU_STATE_STOPPED;
    error_.clear();
    kept_.clear();
    context_.up.stopped(*this);
    context_.instances.retire(*handle_);
    then();
  };
  if (abandoned) {
    // Its code may still be running: nothing of it is freed.
    if (own_lane_ != nullptr) {
      context_.stalls.remove(*own_lane_);
      context_.instances.abandon(std::move(own_lane_), std::move(own_thread_), std::move(resources_));
    } else {
      resources_->release_all();
    }
    return finish(done);
  }
  call(
      [this] {
        const auto status = guarded("destroy", nullptr, [&] { return spec_.component->ops.destroy(self_), DTU_OK; });
        if (const size_t left = resources_->release_all(); left != 0)
          context_.log.warning(spec_.name, std::to_string(left) +
                                               " timers or watched descriptors were left behind by plugin " +
                                               spec_.plugin_id + " and were taken back");
        return status;
      },
      [finish, done = std::move(done)](dtu_status) { finish(done); });
}

const std::string& Instance::health() {
  if (!alive() || spec_.component->ops.health == nullptr) return health_ = "{}";
  call(
      [this] {
        std::string said;
        const auto take = [](void* to, dtu_str json) noexcept {
          if (json.len <= DTU_PAYLOAD_MAX) static_cast<std::string*>(to)->assign(json.ptr, json.len);
        };
        const auto status = guarded("health", nullptr, [&] { return spec_.component->ops.health(self_, take, &said); });
        return status == DTU_OK ? said : std::string();
      },
      [this](std::string said) { health_ = said.empty() ? "{}" : std::move(said); });
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
