// Calls under way: from the console, a dialect or a plugin, to a plugin or the kernel. Access is checked here, so it is
// the same for every way of asking. Both directions go through queues, those of deliver() and the mailbox of a plugin
// that asks, so that neither side is ever called inside a call of its own; every call has a deadline. Main lane.
#pragma once
#include <dtu/services.h>

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "commands/access.hpp"
#include "commands/audit.hpp"
#include "commands/directory.hpp"
#include "commands/password_checker.hpp"
#include "events/mailbox.hpp"
#include "lanes/lane.hpp"
#include "log/log.hpp"

namespace dtud::commands {

struct Request {
  std::string command;  // or
  int64_t code = -1;
  std::string args;           // a JSON object; "" = {}
  std::string_view password;  // data() null: none given
  std::string to;             // the name of the instance that shall answer; "" = the first that offers it
  Caller caller;              // dtud itself, unless somebody else is named
  uint32_t deadline_ms = 0;   // 0: kDefaultDeadline_ms
};

class Calls {
 public:
  static constexpr uint32_t kDefaultDeadline_ms = 10'000, kLongestDeadline_ms = 600'000;
  static constexpr uint32_t kLongestInternal_ms = 86'400'000;  // the deadline of an internal command
  static constexpr size_t kMost = 1024;              // under way at once but for awaits, which may take for ever
  static constexpr size_t kMostAwaits = 16 * kMost;  // Requests bounds those of an instance
  static constexpr uint64_t kMostBytes = 4U << 20U;  // of their arguments; the first may always be larger
  static constexpr size_t kMostChecks = 256;         // of them waiting for their password to be compared

  Calls(Lane& lane, Log& log, Directory& directory, Access& access);
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  // The answer when the call is refused; else DTU_OK, and `done` is called later, once. asker: a plugin, which is not
  // called any more when it has stopped; null: the kernel. With an asker `done` may come at any time, also inside this
  // call: it hands the answer to Instance::answer(), or to the asker's lane, and does no more.
  [[nodiscard]] Answer invoke(const Request& request, plugins::Instance* asker, Done done, uint64_t number = 0);
  struct Limits {
    uint64_t number = 0;       // the asker's own, for cancel()
    uint32_t deadline_ms = 0;  // 0: kDefaultDeadline_ms; of an await: none
  };
  [[nodiscard]] Answer read_point(std::string_view name, plugins::Instance* asker, Done done, Limits limits = {0, 0});
  [[nodiscard]] Answer write_point(std::string_view name, std::string_view json, plugins::Instance* asker, Done done,
                                   Limits limits = {0, 0});
  // `done` comes when the point's value is not, or no longer, the one of `json`. `id` names it for drop().
  [[nodiscard]] Answer await_point(std::string_view name, std::string_view json, plugins::Instance* asker, Done done,
                                   uint64_t& id, Limits limits = {0, 0});
  // Nobody waits for this call any more: its `done` is not called, its provider is told. cancel: the same for an asker,
  // by its number; an answer that has been given is the asker's own to forget.
  void drop(uint64_t id) { drop(id, true); }
  void cancel(const plugins::Instance& asker, uint64_t number);

  // `told` is called when nobody waits any more for `call`, which a command of the kernel is answering later: its
  // deadline passed, or its asker cancelled it or is gone. Not when it was answered.
  void when_given_up(uint64_t call, std::function<void()> told);

  // From a provider.
  dtu_status reply(const plugins::Instance& provider, uint64_t call, Answer answer);
  // Whoever made command `call`, which `provider` is answering now; null: it is answering no such call.
  [[nodiscard]] const Caller* asker_of(const plugins::Instance& provider, uint64_t call) const;
  // `call` ended a short while ago without the answer of its provider, which may not know that yet.
  [[nodiscard]] bool was_given_up(uint64_t call) const;
  // An instance is gone: calls to it fail, calls of it are forgotten. Those that were held wait on.
  void gone(const plugins::Instance& instance);

  // An instance is being replaced, one at a time. From hold() to release() calls to it wait here, within their
  // deadlines, but for its own to itself; rehome() makes them its successor's. What the successor does not offer any
  // more is refused then.
  void hold(const plugins::Instance& provider);
  void rehome(const plugins::Instance& from, plugins::Instance& to);
  void release(const plugins::Instance& provider);
  // Calls it has to answer, and calls whose answer it waits for, also one that is known and not told yet. Awaits do not
  // count before they end: they may never.
  [[nodiscard]] size_t under_way(const plugins::Instance& instance) const;

  bool deliver();
  [[nodiscard]] size_t under_way() const { return calls_.size(); }
  // Commands that came over a port or a channel and are not answered yet.
  [[nodiscard]] bool remote_under_way();
  // Some were answered, and whoever asked has not been told yet.
  [[nodiscard]] bool answers_untold();
  Audit& audit() { return audit_; }
  // Puts into the audit, and into the log, what was not asked as a call.
  void note(const std::string& source, const std::string& name, bool changes, const Answer& answer);

 private:
  enum class Kind { command, read, write, await };
  struct Call {
    uint64_t id = 0;
    Kind kind = Kind::command;
    std::string name, args;
    Caller caller;
    uint64_t bytes = 0;    // of the arguments
    int64_t until_ns = 0;  // its deadline, monotonic; 0: none
    bool changes = false;  // DTU_COMMAND_CHANGES
    bool audited = false;
    bool internal = false;  // DTU_COMMAND_INTERNAL
    bool remote = false;    // somebody outside waits for it
    plugins::Instance* asker = nullptr;
    uint64_t number = 0;                    // the asker's
    plugins::Instance* provider = nullptr;  // null: the kernel
    Builtin builtin;
    std::function<void()> given_up;  // of the kernel: who is told
    Done done;
    uint64_t timer = 0;
    Calls* owner = nullptr;
    bool handed_over = false;
  };
  struct Finished {  // of the kernel
    uint64_t id;
    Done done;
    Answer answer;
  };
  struct Check {
    uint64_t id;
    std::string password;
  };
  // Nothing: its password has to be compared first.
  [[nodiscard]] const Command* asked_for(const Request& request) const;
  [[nodiscard]] std::optional<Answer> allowed(const Command& command, const Request& request);
  [[nodiscard]] Answer begin(Call call, uint32_t deadline_ms, const std::string_view* password = nullptr);
  void next_check();
  void checked(const Check& check, const Answer& verdict);
  void hand_over(uint64_t id);
  [[nodiscard]] Answer still_offered(Call& call);
  void finish(uint64_t id, Answer answer);
  [[nodiscard]] uint64_t& bytes_with(const Call& call) { return call.kind == Kind::await ? await_bytes_ : bytes_; }
  void forget(const Call& call);
  void give_up(uint64_t id);
  static dtu_status put(plugins::Instance& provider, const Call& call, dtu_error* error);
  void drop(uint64_t id, bool tells);
  static void tell_cancelled(const Call& call);
  static void deadline_passed(void* call);

  Lane& lane_;
  Log& log_;
  Directory& directory_;
  Access& access_;
  std::unordered_map<uint64_t, Call> calls_;
  Audit audit_;
  PasswordChecker checker_;
  std::deque<uint64_t> given_up_;  // the last calls that ended without their answer: it may still be on its way
  std::deque<Check> checks_;       // the first is being compared
  bool checking_ = false;
  uint64_t last_id_ = 0;
  uint64_t bytes_ = 0, await_bytes_ = 0;  // of all arguments in calls_
  size_t awaits_ = 0;                     // of calls_
  std::vector<uint64_t> waiting_, handing_;
  const plugins::Instance* held_ = nullptr;  // only to be compared
  std::vector<uint64_t> parked_;             // calls to it
  std::vector<Finished> finished_, telling_;
  std::vector<events::MailboxPtr> answering_;  // what came over a port or a channel is answered, and not told yet
};

}  // namespace dtud::commands
