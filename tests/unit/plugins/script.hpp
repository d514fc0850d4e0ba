// A component that does what a test tells it: the test keeps a Script, the instance's configuration names it.
#pragma once
#include <dtu/sdk.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugins/loader/loader.hpp"

namespace dtud::test {

constexpr std::chrono::seconds kDeadline{20};

// Holds up whoever passes until it is opened.
class Gate {
 public:
  bool pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    return changed_.wait_for(lock, kDeadline, [this] { return open_; });
  }
  bool reached(int by = 1) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [this, by] { return waiting_ >= by; });
  }
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

struct Script {
  using Send = std::function<dtu_status(dtu::Host, const dtu_msg*, uint32_t, uint32_t*)>;
  std::function<void(dtu::Host)> create;
  std::function<dtu_status(dtu::Host)> start;
  std::function<dtu_status(dtu::Host)> stop;
  std::function<void(dtu::Host, uint64_t)> writable;
  Send send;   // absent: completes everything at once
  Send write;  // absent: takes everything
  std::function<void(dtu::Host)> open;
  std::function<dtu_status(dtu::Host, uint64_t call)> invoke;
  std::function<dtu_status(dtu::Host, uint64_t call)> await;  // absent: the value changes at once
  std::function<void(const dtu_msg&)> from_port;

  std::atomic<int> created{0}, started{0}, stopped{0}, destroyed{0}, opened{0}, closed{0}, sessions{0}, writables{0};
  std::atomic<int> cancelled{0}, awaits_cancelled{0};
  std::atomic<uint64_t> key{0};  // of the port opened last

  // Frees what the host gave up without destroying it.
  ~Script() {
    while (!alive_.empty()) free_(*alive_.begin());
  }
  void born(void* self, void (*free)(void*)) {
    const std::lock_guard<std::mutex> lock(mutex);
    alive_.insert(self);
    free_ = free;
  }
  void died(void* self) {
    const std::lock_guard<std::mutex> lock(mutex);
    alive_.erase(self);
  }
  Script() = default;
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  [[nodiscard]] std::string config() const { return std::to_string(reinterpret_cast<uintptr_t>(this)); }
  [[nodiscard]] dtu::Host host() const {
    const std::lock_guard<std::mutex> lock(mutex);
    return host_.value();
  }
  void set_host(dtu::Host host) {
    const std::lock_guard<std::mutex> lock(mutex);
    host_ = host;
  }
  // Payloads sent or written, in their order.
  std::vector<std::string> got() const {
    const std::lock_guard<std::mutex> lock(mutex);
    return got_;
  }
  void note(const dtu_msg& m) {
    const std::lock_guard<std::mutex> lock(mutex);
    got_.emplace_back(dtu::view(m.payload));
  }

 private:
  mutable std::mutex mutex;
  std::optional<dtu::Host> host_;
  std::vector<std::string> got_;
  std::set<void*> alive_;
  void (*free_)(void*) = nullptr;
};

class Scripted : public dtu::Component,
                 public dtu::ChannelIface,
                 public dtu::PortsIface,
                 public dtu::CommandsIface,
                 public dtu::PointsIface,
                 public dtu::DialectIface {
 public:
  static constexpr const char* dialect_names[] = {"scripted", nullptr};
  Scripted(dtu::Host host, std::string_view config)
      : Component(host), script_(*reinterpret_cast<Script*>(std::stoull(std::string(config)))) {
    script_.set_host(host);
    if (script_.create) script_.create(host);
    script_.born(this, [](void* self) { std::unique_ptr<Scripted>(static_cast<Scripted*>(self)).reset(); });
    ++script_.created;
  }
  ~Scripted() override {
    script_.died(this);
    ++script_.destroyed;
  }
  dtu_status start() override {
    ++script_.started;
    if (script_.start) return script_.start(host_);
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }
  dtu_status stop(uint32_t /*deadline_ms*/) override {
    ++script_.stopped;
    return script_.stop ? script_.stop(host_) : DTU_OK;
  }
  void writable(uint64_t source) override {
    ++script_.writables;
    if (script_.writable) script_.writable(host_, source);
  }

  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    if (script_.send) return script_.send(host_, msgs, n, taken);
    for (*taken = 0; *taken < n; ++*taken) {
      script_.note(msgs[*taken]);
      host_.complete(msgs[*taken].token, DTU_OK);
    }
    return DTU_OK;
  }

  void list_ports(const PortsIface::Each& each) override {
    each({sizeof(dtu_port_info), 0, dtu::str("1"), dtu::str("/dev/one"), {}});
    each({sizeof(dtu_port_info), 0, dtu::str("2"), dtu::str("/dev/two"), {}});
  }
  dtu_status open(std::string_view /*id*/, const dtu_port_settings& /*s*/, uint64_t key, void** port) override {
    if (script_.open) script_.open(host_);
    ++script_.opened;
    script_.key = key;
    *port = this;
    return DTU_OK;
  }
  void close(void* /*port*/) override { ++script_.closed; }
  dtu_status write(void* /*port*/, const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    if (script_.write) return script_.write(host_, msgs, n, taken);
    for (*taken = 0; *taken < n; ++*taken) script_.note(msgs[*taken]);
    return DTU_OK;
  }

  void list_commands(const CommandsIface::Each& each) override {
    dtu_command_info info{};
    info.struct_size = sizeof info;
    info.name = dtu::str("test.run");
    each(info);
  }
  dtu_status invoke(uint64_t call, std::string_view, std::string_view, const dtu_caller&) override {
    return script_.invoke ? script_.invoke(host_, call) : host_.reply(call, "1");
  }
  void cancel(uint64_t /*call*/) override { ++script_.cancelled; }

  void list_points(const PointsIface::Each& each) override {
    dtu_point_info info{};
    info.struct_size = sizeof info;
    info.name = dtu::str("test.door");
    each(info);
  }
  dtu_status read_point(std::string_view, uint64_t call) override { return host_.reply(call, "0"); }
  dtu_status await_point(std::string_view, std::string_view, uint64_t call) override {
    return script_.await ? script_.await(host_, call) : host_.reply(call, "1");
  }
  void cancel_point(uint64_t /*call*/) override { ++script_.awaits_cancelled; }

  class TalkSession : public Session {
   public:
    explicit TalkSession(Script& script) : script_(script) { ++script_.sessions; }
    ~TalkSession() override { --script_.sessions; }
    void from_port(const dtu_msg& msg) override {
      script_.note(msg);
      if (script_.from_port) script_.from_port(msg);
    }
    void from_channel(uint32_t, const dtu_msg& msg) override { script_.note(msg); }

   private:
    Script& script_;
  };
  std::unique_ptr<Session> open_session(const dtu_link_info& /*link*/) override {
    ++script_.opened;
    return std::make_unique<TalkSession>(script_);
  }

 private:
  Script& script_;
};

inline plugins::LoadedComponent component(uint32_t kind, uint64_t caps, const std::vector<dtu_iface>& ifaces) {
  plugins::LoadedComponent c;
  c.kind = kind;
  c.type = "scripted";
  c.caps = caps;
  c.create = dtu::Glue<Scripted>::create;
  c.ops = dtu::Glue<Scripted>::ops;
  for (const dtu_iface& i : ifaces) {
    c.interface_ids.emplace_back(i.id);
    c.tables.push_back(i.table);
    if (std::string(i.id) == DTU_DIALECT_IFACE) c.dialects = {"scripted"};
  }
  return c;
}
inline plugins::LoadedComponent channel_component(uint64_t caps = 0) {
  return component(DTU_KIND_CHANNEL, caps, {dtu::channel_iface<Scripted>});
}
inline plugins::LoadedComponent hal_component(uint64_t caps = 0) {
  return component(DTU_KIND_HAL, caps, {dtu::ports_iface<Scripted>});
}
inline plugins::LoadedComponent command_component(uint64_t caps = 0) {
  return component(DTU_KIND_COMMAND, caps, {dtu::commands_iface<Scripted>});
}
// Commands and points.
inline plugins::LoadedComponent scripted_board(uint64_t caps = 0) {
  return component(DTU_KIND_COMMAND, caps, {dtu::commands_iface<Scripted>, dtu::points_iface<Scripted>});
}
inline plugins::LoadedComponent dialect_component() {
  return component(DTU_KIND_COMMAND, 0, {dtu::dialect_iface<Scripted>});
}

}  // namespace dtud::test
