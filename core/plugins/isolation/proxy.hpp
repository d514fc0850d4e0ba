// One run of an isolated instance, as dtud sees it: turns calls into frames, and frames into what the plugin would have
// called. It never waits for the child, and believes nothing it says: a frame that cannot be is the end of it. What the
// child was given and did not complete stays in the router's queues, so its death loses nothing. Main lane.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "events/budget.hpp"
#include "plugins/buffer.hpp"
#include "plugins/instance.hpp"
#include "plugins/isolation/isolation.hpp"
#include "plugins/isolation/wire.hpp"

namespace dtud::plugins::isolation {

class Proxy {
 public:
  Proxy(Instance& instance, const StandIn& component, Isolation& isolation);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // Begins the process, with its instance in it.
  dtu_status create(dtu_str config, dtu_error* error);
  dtu_status stop(uint32_t deadline_ms);
  void writable(uint64_t source);
  void health(dtu_text_fn out, void* ctx);

  // dtu.channel/1
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken);

  // dtu.ports/1. A message leaves the router's queue only when the plugin took it: what write() says is taken is what
  // the child took of the same queue before.
  struct Port {
    uint64_t key = 0;
    uint32_t ahead = 0;  // sent to the child, and not taken by the plugin yet
    uint64_t ahead_bytes = 0;
    uint32_t done = 0;     // taken by the plugin, and not told to the router yet
    uint64_t refused = 0;  // a bit for each of those: it can never write that one
    dtu_error why{};       // of the last
    uint32_t flags = 0;
    bool asked_drained = false, drained = false;
    struct Signals {  // the child's answer, until the router comes for it
      dtu_status status = DTU_AGAIN;
      uint32_t known = 0, values = 0;
      dtu_error error{};
    };
    bool asked_signals = false;
    Signals signals;
  };
  dtu_status open(dtu_str id, const dtu_port_settings& settings, uint64_t key, void** port);
  void close(Port& port);
  dtu_status write(Port& port, const dtu_msg* msgs, uint32_t n, uint32_t* taken, dtu_error* error);
  int32_t drained(Port& port);
  dtu_status signals(Port& port, uint32_t* known, uint32_t* values, dtu_error* error);

  // dtu.dialect/1
  struct Session {
    uint64_t id = 0, link = 0;
  };
  dtu_status open_session(const dtu_link_info& link, void** session);
  void close_session(const Session& session);
  void to_dialect(Frame type, const Session& session, uint32_t channel, const dtu_msg& msg);
  void tell_fate(const Session& session, const dtu_fate& fate);

  // Calls that are answered by host->reply, or not at all: their frame is their whole story.
  template <typename Fill>
  dtu_status say(Frame type, Fill fill) {
    if (!ended_) {
      fill(Writer(wire_.out(), type));
      said();
    }
    return DTU_OK;
  }

  // What it offers, complete when it has started.
  struct Offers {
    struct Command {
      uint32_t flags;
      std::string name, title, schema;
      std::vector<uint32_t> codes;
    };
    struct Point {
      uint32_t flags;
      std::string name, unit, title;
    };
    struct PortInfo {
      uint32_t flags;
      std::string id, device, title;
    };
    std::vector<Command> commands;
    std::vector<Point> points;
    std::vector<PortInfo> ports;
  };
  [[nodiscard]] const Offers& offers() const { return offers_; }
  [[nodiscard]] const Child& child() const { return child_; }
  void flush();

 private:
  friend struct Handlers;  // one function a frame: receive.cpp
  static constexpr size_t kMostAsked = 1024;
  enum class Phase { starting, running, stopping };
  // Emits of one source (a port; 0: the channel) that the router had no room for.
  struct Source {
    std::deque<KeptMessage> held;
    uint64_t held_bytes = 0;
    uint64_t owed = 0;  // bytes taken since the child was told last
  };
  struct Heard {  // a subscription of the plugin's
    Proxy* by;
    uint64_t id, at_hub;
  };

  void said();
  void readable();
  void take_frames();
  void broken(const std::string& what);
  void end_connection();
  void look_for_end();
  void over();
  void stalled(int64_t held_ns);
  void beat();
  [[nodiscard]] bool stall_watch_decides() const;
  void stopped();
  [[nodiscard]] dtu_error death() const;
  [[nodiscard]] Source* source_of(const dtu_msg& msg, uint64_t& key);
  [[nodiscard]] bool deliver(const dtu_msg& msg);
  void emitted(const dtu_msg& read);
  void taken_from(uint64_t key, Source& source, uint64_t bytes);
  void channel_took(uint32_t messages, uint64_t bytes);
  void port_took(uint64_t key, uint32_t messages, uint64_t bytes, const dtu_error* refused);
  void heard(uint64_t bytes);
  void not_taken(uint64_t link, uint32_t channel, uint64_t token);
  void answer(uint64_t id, dtu_answer answer);
  // A request of the plugin's, under the number it has there.
  void asked(uint64_t id, const std::function<dtu_status(Asking, dtu_error*)>& put);
  void cancelled(uint64_t id);
  void answered(uint64_t id, const dtu_answer& answer);
  void subscribe(uint64_t id, std::string_view pattern);
  void unsubscribe(uint64_t id);
  void events_told(uint32_t count);
  static void tell(void* heard, const dtu_event* event);
  static void run_readable(void* self, uint32_t events);
  static void timer_due(void* self);
  static void beat_due(void* self) { static_cast<Proxy*>(self)->beat(); }

  Instance& instance_;
  const StandIn& component_;
  Isolation& isolation_;
  Context& context_;
  Child child_;
  Wire wire_;
  uint64_t watch_ = 0, timer_ = 0, beat_timer_ = 0;
  uint32_t events_ = 0;
  Phase phase_ = Phase::starting;
  bool dirty_ = false, ended_ = false, told_ = false;
  bool failed_ = false;                       // it said so itself: its end is no death
  bool heard_ = false, asked_alive_ = false;  // since the last beat
  uint32_t missed_ = 0;                       // beats without a frame, in a row
  int looks_ = 0;
  std::string reason_;                                          // why we killed it; "": we did not
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // false: this is gone, for what was posted

  uint32_t window_messages_ = 0;  // sent to the channel and not taken by it
  uint64_t window_bytes_ = 0;
  bool owes_writable_ = false;
  uint64_t unheard_bytes_ = 0;  // given to its dialect and not dealt with
  uint64_t last_session_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<Port>> ports_;  // by key
  std::unordered_map<uint64_t, Session> sessions_;
  std::unordered_map<uint64_t, Source> sources_;
  std::unordered_set<uint64_t> asked_;                                 // under way
  std::unordered_map<uint64_t, std::unique_ptr<Heard>> heard_events_;  // by the id of the other side
  uint32_t events_ahead_ = 0;                                          // sent to the child, and not told by it
  events::Budget event_budget_{2};  // twice that of its own host: what came late comes together
  std::vector<uint64_t> metrics_;   // by slot; of the kernel's registry
  Offers offers_;
  size_t offer_bytes_ = 0;
  std::string health_ = "{}";
  bool asked_health_ = false;
};

}  // namespace dtud::plugins::isolation
