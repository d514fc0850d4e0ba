// `isolate` of a component's configuration: its instances run in processes of their own (dtu-plugin-host), behind a
// stand-in component whose functions are ours. Instance, router and calls do not know the difference. What a stand-in
// hands over is sent at the end of the turn, all together. Main lane.
#pragma once
#include <chrono>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/documents.hpp"
#include "plugins/instance.hpp"
#include "plugins/isolation/child.hpp"
#include "plugins/loader/handshake.hpp"

namespace dtud::plugins::isolation {

class Proxy;

// What a plugin offers as seen from dtud: the same kind, type, schema and dialects, our functions.
struct StandIn : LoadedComponent {
  std::string plugin_id;
  std::filesystem::path file;
  uint64_t their_caps = 0;
  config::IsolateConfig limits;
  // What `tables` points to; a function the plugin does not have is null here too.
  Tables ours;
  std::vector<const char*> dialect_names;  // ends with null
};

// How it is noticed that a process does nothing any more outside of a call into its plugin: it was stopped, or hangs.
// Every `interval` it is asked for a sign of life. Without any frame of it for `missed` intervals in a row it is killed
// and started again. Intervals are counted, not time: when dtud was held up itself, its processes may have been, too.
struct Heartbeat {
  std::chrono::milliseconds interval{5'000};
  uint32_t missed = 4;
};

class Isolation {
 public:
  // program: dtu-plugin-host.
  Isolation(Context& context, std::string program, Heartbeat heartbeat = {});
  ~Isolation();  // no stand-in has an instance any more
  Isolation(const Isolation&) = delete;
  Isolation& operator=(const Isolation&) = delete;

  // The stand-in for a component of `file`, valid as long as this object.
  [[nodiscard]] const LoadedComponent& stand_in(const LoadedComponent& of, const std::string& plugin_id,
                                                const std::filesystem::path& file, const config::IsolateConfig& limits);

  // For views; nothing: this instance is not isolated, or never ran.
  struct Seen {
    pid_t pid = 0;  // 0: it does not run
    uint64_t rss_kib = 0;
    uint64_t deaths = 0;  // of its processes, that nobody asked for
    std::string last_death;
  };
  [[nodiscard]] std::optional<Seen> look(const std::string& instance) const;

  // For stand-ins.
  [[nodiscard]] Context& context() const { return context_; }
  [[nodiscard]] const std::string& program() const { return program_; }
  [[nodiscard]] const Heartbeat& heartbeat() const { return heartbeat_; }
  void runs(const std::string& instance, const Proxy* proxy);  // null: it does not any more
  void died(const std::string& instance, std::string how);
  void flush_soon(Proxy& proxy);
  void forget(const Proxy& proxy);
  // Its socket is closed: it has a moment to stop in peace, is killed then, and reaped.
  void bury(Child child);

 private:
  struct Known {
    const Proxy* proxy = nullptr;
    uint64_t deaths = 0;
    std::string last_death;
  };
  struct Dying {
    Child child;
    int64_t kill_at_ns;
  };
  bool flush();
  static void look_after_dying(void* self);

  Context& context_;
  const std::string program_;
  const Heartbeat heartbeat_;
  std::list<StandIn> stand_ins_;
  std::map<std::string, Known> known_;
  std::vector<Proxy*> dirty_, flushing_;
  std::vector<Dying> dying_;
  uint64_t timer_ = 0;
  bool hooked_ = false;
};

}  // namespace dtud::plugins::isolation
