// A host: the instances, the rules they are held to, and the records. Behind the TestHost of unit tests and behind
// dtu-plugin-check; shares no code with core/, so a plugin that works here relies on the ABI alone.
#pragma once
#include <dtu/events.h>

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "host/annotations.hpp"
#include "host/buffers.hpp"
#include "host/loop.hpp"
#include "host/records.hpp"
#include "host/rules.hpp"

namespace dtu::host {

class State;

// What a dtu_instance * points to. Lives as long as its host, so that a late call is seen and answered.
struct InstanceRecord {
  enum class Phase { creating, live, stopping, stopped, destroyed };
  State* host = nullptr;
  const dtu_component* component = nullptr;
  std::string type;
  void* self = nullptr;
  std::atomic<Phase> phase{Phase::creating};
  std::atomic<int64_t> buffers{0};  // references it holds
  std::mutex events_mutex;
  double events_left = 200;  // it may tell so many now, 20 a second more
  int64_t events_at_ns = 0;
  bool flooded = false;

  dtu_instance* handle() { return reinterpret_cast<dtu_instance*>(this); }
  static InstanceRecord& of(dtu_instance* handle) { return *reinterpret_cast<InstanceRecord*>(handle); }
};

// Who is told what happens, at once, on whichever thread it does. Called with the host's lock held: do not call back.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;
  // by: null when it is not known.
  virtual void misbehaved(const InstanceRecord* by, const char* rule, const std::string& what) = 0;
  // True: this call is to fail, as it may at any time. Asked without the lock.
  virtual bool refuses(const InstanceRecord& /*by*/, const char* /*function*/) { return false; }
  virtual void emits(const InstanceRecord& /*by*/, const dtu_msg& /*msg*/, dtu_status /*answer*/) {}
};

class State {
 public:
  using Key = std::pair<dtu_instance*, uint64_t>;
  using Handler = std::function<std::optional<Answer>(const Request&)>;

  explicit State(Observer& observer, Storage& storage = heap());
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  // Any thread.
  void misbehaved(const InstanceRecord* by, const char* rule, const std::string& what);
  [[nodiscard]] bool refuses(const InstanceRecord& i, const char* function) const {
    return observer_.refuses(i, function);
  }
  [[nodiscard]] bool may_call(InstanceRecord& i, const char* function);   // false: gone, answer DTU_E_CLOSED
  [[nodiscard]] bool may_speak(InstanceRecord& i, const char* function);  // the same, and create() has returned
  [[nodiscard]] bool on_lane(InstanceRecord& i,
                             const char* function);  // the same as may_call, and on the loop's thread
  // False, and a misbehaviour: one of them has a length and no bytes.
  bool sound(InstanceRecord& i, const char* function, std::initializer_list<dtu_str> texts);
  dtu_status emit(InstanceRecord& i, const dtu_msg* msgs, uint32_t n, uint32_t* taken);
  void complete(InstanceRecord& i, uint64_t token, dtu_status status);
  void report(InstanceRecord& i, Report report);
  dtu_status reply(Reply reply);
  template <typename T>
  void write_down(std::deque<T> Records::*list, T entry) {
    {
      const Lock lock(mutex_);
      (fresh_.*list).push_back(std::move(entry));
    }
    loop.wake();
  }
  void tokens_offered(dtu_instance* by, const std::set<uint64_t>& tokens);
  void tokens_left(dtu_instance* by, const std::set<uint64_t>& not_taken);
  [[nodiscard]] size_t open_tokens(dtu_instance* by);
  [[nodiscard]] bool has_replied(dtu_instance* by, uint64_t call);
  void tell(const Told& event);          // to those who subscribed, each from a turn of its own
  void set_emit_room(int64_t messages);  // below 0: no limit; then those who were refused are told
  void set_metric(uint64_t id, uint64_t add, std::optional<int64_t> set);
  [[nodiscard]] std::optional<int64_t> metric(const std::string& type, const std::string& name);
  std::optional<uint64_t> add_metric(const InstanceRecord& i, uint32_t kind, const std::string& name);

  // The loop's thread.
  uint64_t subscribe(InstanceRecord& by, const dtu_subscription& subscription);
  [[nodiscard]] bool unsubscribe(InstanceRecord& by, uint64_t id);
  void end_events(InstanceRecord& of);  // before its destroy(): its subscriptions end, its states are gone
  Records& records();                   // with everything called so far
  void forget_past();  // messages, completions and lines that were recorded, and which tokens were completed: for those
                       // who count memory
  struct Callbacks {
    dtu_answer_fn done = nullptr;
    void (*destroy)(void*) = nullptr;
    void* ctx = nullptr;
  };
  // On failure they are ended.
  dtu_status ask(InstanceRecord& i, Request request, const Callbacks& callbacks, uint64_t* call);
  [[nodiscard]] bool cancel(InstanceRecord& by, uint64_t call);
  void answer(uint64_t id, const Answer& answer);
  void set_point(const std::string& name, const std::string& json);  // and answers those who await another value
  void end_callbacks(InstanceRecord& of);  // before its destroy(): nothing is called any more but what ends them

  const std::thread::id lane = std::this_thread::get_id();
  Loop loop;
  std::deque<InstanceRecord> instances;
  std::map<std::string, std::map<std::string, std::string>> kv;  // by component type
  std::set<std::string> withheld;                                // service ids
  [[nodiscard]] const std::string& folders();                    // dtu.folder/1: removed with this object
  bool folder_is_full = false;
  std::map<std::string, Handler> handlers;  // "radio.csq", "#3" for a code
  std::map<std::string, std::string> points;
  std::map<std::string, std::string> units;  // of points; none: ""
  dtu_status invoke_refusal = DTU_OK;
  dtu_status line_refusal = DTU_OK;  // of dtu.link/1 set_line
  uint64_t last_token = 0;
  Storage& storage;     // of buffers
  bool strict = false;  // as dtud: emit is closed from stop() on; and no call at all is due once stop() is finished
  std::function<dtu_status(const LinkWrite&)> on_link_write;
  // Whom a request may name; unset: anybody.
  std::function<bool(uint64_t link, uint32_t channel)> has_session;  // channel 0: the port of it
  std::function<bool(uint64_t call)> is_answering;
  std::set<uint64_t> open_links;  // strict: nothing is taken for others
  uint64_t last_link = 0;

 private:
  std::string folders_;
  struct Metric {
    std::string type, name;
    uint32_t kind;
    int64_t value;
  };
  struct Asked {
    InstanceRecord* by;
    Callbacks callbacks;
    Request request;
  };
  void answer_if_changed(uint64_t id);
  struct Subscribed {
    InstanceRecord* by = nullptr;
    std::string pattern = {};
    dtu_event_fn fn = nullptr;
    void (*destroy)(void*) = nullptr;
    void* ctx = nullptr;
  };
  void tell_locked(Told event) REQUIRES(mutex_);
  void deliver(uint64_t id, InstanceRecord& to, const Told& event) REQUIRES(mutex_);
  void complain(const InstanceRecord* by, const char* rule, const std::string& what) REQUIRES(mutex_);

  Observer& observer_;
  std::map<uint64_t, Asked> asked_;
  uint64_t last_request_ = 0;
  Records records_;
  Mutex mutex_;
  Records fresh_ GUARDED_BY(mutex_);
  int64_t emit_room_ GUARDED_BY(mutex_) = -1;
  std::set<Key> refused_ GUARDED_BY(mutex_);  // instance and source that were answered DTU_AGAIN
  std::set<Key> open_tokens_ GUARDED_BY(mutex_);
  std::set<Key> closed_tokens_ GUARDED_BY(mutex_);
  std::set<dtu_instance*> keeps_tokens_ GUARDED_BY(mutex_);  // got messages through Instance::send
  std::set<Key> replied_ GUARDED_BY(mutex_);
  std::map<uint64_t, Subscribed> subscriptions_ GUARDED_BY(mutex_);
  std::map<std::pair<std::string, std::string>, Told> last_events_ GUARDED_BY(mutex_);  // by source and name
  uint64_t last_subscription_ GUARDED_BY(mutex_) = 0, last_event_ GUARDED_BY(mutex_) = 0;
  std::deque<Metric> metrics_ GUARDED_BY(mutex_);  // id = index + 1
};

// The tables handed to plugins.
const dtu_host& host_table();
const void* find_service(const char* id);
const dtu_invoke_service& invoke_table();
const dtu_events_service& events_table();
[[nodiscard]] const dtu_event_info* declared_event(const dtu_component& component, const std::string& name);

[[nodiscard]] Message copy(const dtu_msg& m);
// A length without bytes (State::sound) is no text.
inline std::string text(dtu_str s) {
  return s.len == 0 || s.ptr == nullptr ? std::string() : std::string(s.ptr, s.len);
}

}  // namespace dtu::host
