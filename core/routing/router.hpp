// Moves messages: port -> link -> dialect -> outbox -> channel, and back. What plugins emit is queued at once and
// delivered by deliver(), the turn hook, so that no call into a plugin happens inside a call of the same plugin. Main
// lane.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/lane.hpp"
#include "log/log.hpp"
#include "routing/completions.hpp"
#include "routing/link.hpp"
#include "routing/lost_room.hpp"
#include "routing/taps.hpp"

namespace dtud::routing {

class Router {
 public:
  Router(Lane& lane, Log& log);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Structure; core/routing/wiring.cpp.
  Port& add_port(const config::PortConfig& config);
  void remove_port(const std::string& id);
  Channel& add_channel(uint32_t id, OutboxLimits limits);
  void remove_channel(uint32_t id);  // its instance must be stopped
  Link& add_link(Port* port, std::string dialect, std::vector<Channel*> channels, const config::PacketConfig& packet);
  void remove_link(Link& link);
  void open_port(Port& port, plugins::Instance& hal);
  void close_port(Port& port);
  void open_session(Link& link, plugins::Instance& speaker, const std::string& device_json);
  void close_session(Link& link);
  [[nodiscard]] Port* port(std::string_view id);
  [[nodiscard]] Channel* channel(uint32_t id);
  [[nodiscard]] const std::vector<std::unique_ptr<Port>>& ports() const { return ports_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Channel>>& channels() const { return channels_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Link>>& links() const { return links_; }
  [[nodiscard]] bool was_link(uint64_t id) const { return id != 0 && id <= last_link_; }  // at any time
  Taps& taps() { return taps_; }
  Completions& completions() { return completions_; }
  LostRoom& lost_room() { return lost_room_; }

  // From plugins; see plugins::Upcalls.
  dtu_status emit(plugins::Instance& from, const dtu_msg* msgs, uint32_t n, uint32_t* taken);
  void complete(plugins::Instance& from, uint64_t token, dtu_status status);
  void writable(plugins::Instance& from, uint64_t source);
  dtu_status to_port(const plugins::Instance& speaker, uint64_t link, const dtu_msg& msg);
  dtu_status to_channel(const plugins::Instance& speaker, uint64_t link, uint32_t channel, const dtu_msg& msg);
  void drop(const plugins::Instance& speaker, uint64_t link, std::string_view reason, uint64_t bytes);
  dtu_status discard(const plugins::Instance& speaker, uint64_t link, uint32_t which, uint64_t& bytes);
  dtu_status set_line(const plugins::Instance& speaker, uint64_t link, const dtu_line& line, dtu_error* error);
  // Another line for `by`, in order with what the port was given before: `wish` is added to what it asked for before,
  // or with `reset` takes its place. `which`: DTU_DISCARD_..., done first; `discarded` (bytes) as in dtu.link/1. `done`
  // is called once, also from inside. What asks for nothing is answered at once, with what is in force. The number of
  // the change; 0: it was refused. core/routing/line_control.cpp.
  uint64_t ask_line(Port& port, const LineAsker& by, const LineWish& wish, bool reset, LineDone done);
  // Nobody waits for this change any more: it is not made, or undone, and no other one is touched.
  void withdraw(Port& port, uint64_t change);
  uint64_t discard(Port& port, uint32_t which);
  void has_room(const plugins::Instance& speaker);
  void session_refused(const plugins::Instance& speaker, uint64_t link, const dtu_error& error);
  void channel_state(Channel& channel, int32_t state, const dtu_error* error);
  // Queues its registration message before everything that waits ("" = there is none after all) and lets it send.
  void register_channel(Channel& channel, std::string_view text);
  // Messages came from its backlog, or its memory has room again.
  void outbox_changed(Channel& channel);
  void port_state(plugins::Instance& hal, uint64_t key, int32_t state, const dtu_error* error);
  // A channel's, a HAL's or a dialect's: closes what it has open / forgets it.
  void instance_stopping(const plugins::Instance& instance);
  void instance_stopped(const plugins::Instance& instance);

  // Nothing is queued for a port and no answer for a channel that could take it: a restart loses no answer.
  [[nodiscard]] bool answers_are_out();

  // What became of a message that the session of a link follows (token 0: it does not). Told in a turn of its own.
  void ended(Link* link, uint32_t channel, uint64_t token, dtu_status status, std::string_view reason);

  bool deliver();

 private:
  friend class Handover;
  struct KeySlot {
    uint64_t key = 0;
    Port* port = nullptr;
  };
  Port* port_of(const plugins::Instance& hal, uint64_t key);
  [[nodiscard]] bool was_key(uint64_t key) const;  // of any port, at any time
  void note_unknown(const plugins::Instance& from, uint64_t source, const char* function) const;
  Link* link_of(uint64_t id);
  dtu_status from_port(Port& port, const dtu_msg& msg);
  void tell_waiting(Port& port);
  dtu_status from_channel(Channel& channel, const dtu_msg& msg);
  void raw_uplink(Link& link, const dtu_msg& read, std::string_view packet);
  void queue_for_port(Port& port, const dtu_msg& msg, uint64_t token = 0);
  void queue_for_channel(Channel& channel, KeptMessage message, uint64_t token = 0);
  Port::Queued take_from(Port& port);
  void drop_from(Port& port, PortDrop why, dtu_status status, std::string_view reason);
  void drop_doomed(Port& port);
  void expire(Port& port);
  [[nodiscard]] bool may_begin(Port& port);
  void took(Port& port, uint64_t token, uint64_t bytes);
  void ask_drained(Port& port);
  void line_answered(Port& port, bool drained);
  void on_the_wire(Port& port);
  void hand_over(Port& port, const dtu_msg& msg);
  void hand_over_copy(Port& port, const dtu_msg& msg);
  void give_up_echo(Port& port);
  void leave_line(Port& port);
  void arm(Port& port);
  static void port_due(void* port);
  // Settings of a port that are waited for; core/routing/line_control.cpp.
  dtu_status can_change(const Port& port, const LineWish& wish, dtu_error* error) const;
  void push_change(Port& port, LineControl::Change change);
  [[nodiscard]] bool settle_line(Port& port);
  [[nodiscard]] bool line_must_be_empty(Port& port);
  void make_change(Port& port);
  struct Made;
  void line_changed(Port& port, const Made& made);
  [[nodiscard]] bool line_refused(Port& port, const std::string& why);
  void leave_settings(Port& port);
  void switch_again(Port& port);
  static void switch_before_close(Port& port);
  void tell_asker(Port& port, const LineControl::Change& change, dtu_status status, const std::string& why,
                  const LineState& state);
  void take_back(Port& port, const LineControl::Change& failed);
  void look_first(Port& port, LineControl::Change look);
  void forget_asker(Port& port, const LineAsker& by);
  void fail_changes(Port& port, dtu_status status, const std::string& why);
  void resume_line(Port& port);
  void tell_port_state(Port& port, const dtu_error* error);
  void tell_fates();
  static void end_following(Link& link);
  void serve(Channel& channel);
  void serve_from_afar(Channel& channel, const dtu_msg* msgs, uint32_t n);
  void serve(Port& port);
  void sent(Channel& channel, uint32_t offered, uint32_t taken, dtu_status status, const dtu_error& error);
  void written(Port& port, uint32_t offered, uint32_t taken, dtu_status status, const dtu_error& error);
  void hurry(Channel& channel);
  void pause(Channel& channel);  // a breath before the next try
  void rejected(Channel& channel, Rejected reason, uint64_t bytes);
  void mark(Channel& channel);
  void mark(Port& port);
  void note_room(Channel& channel);
  void unblock(Link& link);
  void unblock_channels_of(Port& port);
  void count_drop(Link& link, std::string_view reason, uint64_t bytes);
  void tap(const std::string& target, bool in, const dtu_msg& msg);
  // The time it was read, unless whoever read it said so already, and whether that is a time.
  void stamp(int64_t& time_ns, uint32_t& flags);
  static void close(plugins::Instance& hal, void* port);
  void leave_hal(Port& port);
  static void learn_flags(Port& port, uint32_t flags);
  void refused(const Link& link, const dtu_error& error);
  static void idle_gap(void* link);
  static void retry_due(void* channel);
  void bury();
  static void keep_unfinished(const Link& link);
  void give_unfinished(const Link& link);

  Lane& lane_;
  Log& log_;
  Taps taps_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<std::unique_ptr<Link>> links_;
  Completions completions_;
  LostRoom lost_room_;
  std::vector<KeySlot> keys_;  // by the low half of a port key
  uint32_t last_key_ = 0;
  uint64_t last_link_ = 0;
  std::vector<std::unique_ptr<Port>> buried_ports_;  // removed during a write on another lane: freed when it is back
  std::vector<Channel*> dirty_channels_, serving_channels_;
  std::vector<Port*> dirty_ports_, serving_ports_;
  struct Owed {
    Port* port;        // or
    Channel* channel;  // whose emit may go on
  };
  std::vector<Owed> owed_, telling_;
  std::vector<uint64_t> fated_;  // links with fates
  bool clock_doubted_ = false;   // and said so
};

}  // namespace dtud::routing
