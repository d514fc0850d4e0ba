// SMS that arrive: read from both storages of the modem, joined, handed over as the event sms.received, and only then
// deleted (field-troubles A11). Leftovers are read once at every start. A storage is listed as a whole, so a storm of
// announcements costs one listing, and a stale index is never asked for. [lane]
//
// A command in a text is run after its message was deleted, and never twice: a message that cannot be deleted runs
// nothing, and what was run is on the disk before it runs, because a modem may keep what it says it deleted.
#pragma once
#include <dtu/sdk/events.hpp>
#include <dtu/sdk/host.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../at_engine.hpp"
#include "handled.hpp"
#include "joiner.hpp"
#include "order.hpp"

namespace hal_ec600::sms {

constexpr dtu_event_info received_event = dtu::event("sms.received", "A text message came",
                                                     R"({"type": "object", "required": ["from", "text", "time"],
  "properties": {"from": {"type": "string"}, "text": {"type": "string"}, "time": {"type": "string"}}})");

struct InboxCounters {
  uint64_t received = 0;    // messages handed over
  uint64_t incomplete = 0;  // of them: parts are missing
  uint64_t doubles = 0;     // delivered again by the network or the modem, not handed over again
  uint64_t broken = 0;      // handed over as they are
  uint64_t refused = 0;     // commands of numbers that may not give any
  uint64_t repeated = 0;    // commands that were run before and lay in the modem again
  uint64_t undeletable = 0;
};

class Inbox {
 public:
  struct Settings {
    uint32_t wait_parts_s = 600, look_s = 0;
    std::vector<std::string> commands_from;  // "+8613800138000"
  };
  // trouble: "", or why it is not run; then its sender is told so.
  using Run = std::function<void(const Order&, const std::string& from, const std::string& trouble)>;
  using Refuse = std::function<void(const Botched&, const std::string& from)>;

  Inbox(dtu::Host host, AtEngine& engine, Settings settings, Run run, Refuse refuse);
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  void ready();              // the modem answers and the SIM is ready: after a start, a restart, another SIM
  void gone();               // the modem does not answer: nothing is asked until ready()
  void look();               // both storages are read; for a modem whose announcements do not arrive
  void list(uint64_t call);  // answers sms.list
  void cancel(uint64_t call);
  void stop();

  [[nodiscard]] const InboxCounters& counters() const { return counters_; }
  [[nodiscard]] std::string trouble() const;  // "the SMS storage SM is full (50 of 50)"; "" = none
  [[nodiscard]] size_t waiting_parts() const { return joiner_.parts(); }

 private:
  static constexpr size_t kStorages = 2;
  struct Storage {
    const char* name;
    bool asked = false;   // to be listed
    bool absent = false;  // this modem does not have it, or not now
    int64_t used = 0, total = 0;
    std::map<uint32_t, std::string> digests = {};  // by index, of the last listing
    std::string shown = {};                        // of the last listing, JSON, for sms.list
  };
  struct Told {  // handed over: to be deleted, then to be run
    std::vector<Slot> slots;
    std::optional<Order> order;
    std::optional<Botched> botched;
    std::string from;
    bool deleted = true;
    std::string digest = {};  // of a command, see Handled
  };
  static constexpr unsigned kMostDeletions = 2;  // of one message in one place, until ready()

  void next();
  void read(Storage& storage);
  void read_done(Storage& storage, const std::vector<AtResult>& results);
  void take(Storage& storage, uint32_t index, int64_t state, const std::string& hex);
  bool hand_over();  // false: later
  bool publish(const std::string& json);
  bool tell(const Message& message);
  [[nodiscard]] static std::optional<Botched> botched_of(const Message& message);
  [[nodiscard]] bool is_listed(const Address& from) const;
  void remove();
  void removed(const AtResult& result);
  void finish_removal();
  void keep_then_run(const Told& told);
  [[nodiscard]] bool stays(const Slot& slot);
  void answer_lists();
  void arm();
  [[nodiscard]] bool is_known(const Slot& slot) const;
  Storage* find(std::string_view name);

  dtu::Host host_;
  AtEngine& engine_;
  const Settings settings_;
  const Run run_;
  const Refuse refuse_;
  const dtu::Events events_{host_};
  dtu::Timer timer_, look_timer_;
  std::array<Storage, kStorages> storages_{{{"SM"}, {"ME"}}};
  Joiner joiner_;
  std::deque<Message> pending_;  // to be handed over
  struct Broken {
    std::string why, hex;
    Slot slot;
  };
  std::deque<Broken> broken_;
  std::deque<Told> told_;
  Handled handled_;
  std::map<std::string, unsigned> deletions_;  // that the modem confirmed, by place and digest
  std::deque<std::string> recent_;             // events, JSON
  std::vector<uint64_t> lists_;                // calls that wait
  InboxCounters counters_;
  bool busy_ = false, started_ = false, announced_ = false, warned_full_ = false, deleted_any_ = false;
};

}  // namespace hal_ec600::sms
