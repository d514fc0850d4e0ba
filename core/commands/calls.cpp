#include "commands/calls.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "config/syntax.hpp"
#include "plugins/instance.hpp"
#include "plugins/sound.hpp"

namespace dtud::commands {
namespace {

// What is wrong with a value for a point; "" = nothing.
std::string wrong_value(std::string_view json) {
  if (json.size() > DTU_PAYLOAD_MAX) return ": the value is over 1 MiB";
  return config::check_syntax(std::string(json)).empty() ? "" : ": the value is not JSON: quote a text";
}

const std::string kKernel = "kernel";  // as in the list of commands

dtu_str text(const std::string& s) { return {s.data(), s.size()}; }

Answer unfit(const Command& command, const std::string& args) {
  const std::string wrong = command.arguments->wrong(args);
  return wrong.empty() ? Answer{} : Answer{DTU_E_INVALID, "", command.name + ": " + wrong};
}

// At least 1: a deadline of 0 would say that there is none.
uint32_t ms_until(int64_t ns) {
  return static_cast<uint32_t>(std::clamp<int64_t>((ns - monotonic_ns()) / 1'000'000, 1, Calls::kLongestInternal_ms));
}

struct Called {
  dtu_status status = DTU_OK;
  dtu_error error{};
};

}  // namespace

Calls::Calls(Lane& lane, Log& log, Directory& directory, Access& access)
    : lane_(lane), log_(log), directory_(directory), access_(access), checker_(lane) {
  lane_.add_turn_hook([this] { return deliver(); });
}

std::optional<Answer> Calls::allowed(const Command& command, const Request& request) {
  const Caller& who = request.caller;
  if (who.is_own()) return Answer{};
  if ((command.flags & DTU_COMMAND_INTERNAL) != 0)
    return Answer{DTU_E_UNSUPPORTED, "", command.name + " can only be called by dtud and by plugins"};
  if (who.kind == Caller::Kind::console) return Answer{};
  if ((command.flags & DTU_COMMAND_LOCAL) != 0)
    return Answer{DTU_E_UNSUPPORTED, "", command.name + " can only be called locally, with dtuctl"};
  // What is part of an answer was let in with the call that is answered.
  if (access_.stopped && (command.flags & DTU_COMMAND_WHEN_STOPPED) == 0 && !who.through_answer)
    return Answer{DTU_E_STOPPED, "",
                  "stopped: the protocol was stopped by a command; function code 254 starts it again"};
  if ((command.flags & DTU_COMMAND_PASSWORD) == 0 || who.gave_password) return Answer{};
  return access_.check(who.guesses_as(), request.password, monotonic_ns());
}

void Calls::note(const std::string& source, const std::string& name, bool changes, const Answer& answer) {
  const std::string problem = audit_.note(lane_.unix_ns(), source, name, changes, answer);
  if (!problem.empty()) log_.error("audit", problem);
  const bool first = audit_.entries().back().times == 1;
  if (first && answer.status != DTU_OK) log_.warning(source, name + " refused or failed: " + answer.error);
  if (first && answer.status == DTU_OK && changes) log_.info(source, name + " carried out");
}

const Command* Calls::asked_for(const Request& request) const {
  const Command* first =
      request.command.empty() ? directory_.command(request.code) : directory_.command(request.command);
  if (first == nullptr || request.to.empty()) return first;
  for (const Command& offer : directory_.commands().find(first->name)->second)
    if ((offer.provider != nullptr ? offer.provider->name() : kKernel) == request.to) return &offer;
  return nullptr;
}

Answer Calls::invoke(const Request& request, plugins::Instance* asker, Done done, uint64_t number) {
  const Command* command = asked_for(request);
  if (command == nullptr)
    return {DTU_E_NOT_FOUND, "",
            "no such command: " +
                (request.command.empty() ? "function code " + std::to_string(request.code) : request.command) +
                (request.to.empty() ? "" : " of " + request.to)};
  const bool changes = (command->flags & DTU_COMMAND_CHANGES) != 0;
  const Caller& who = request.caller;
  const auto verdict = allowed(*command, request);
  if (verdict && verdict->status != DTU_OK) {
    note(who.name, command->name, changes, *verdict);
    return *verdict;
  }
  const std::string args = request.args.empty() ? "{}" : request.args;
  Call call;
  // What is asked for to carry out somebody's command is that command's business; what dtud and plugins only look at
  // for themselves, nobody's.
  // What dtud asks for itself is no news: it follows from what was changed.
  call.audited = !who.through_answer && who.kind != Caller::Kind::host && (changes || !who.is_own());
  if (verdict) {  // else later: first of all the password has to be right
    if (Answer refusal = unfit(*command, args); refusal.status != DTU_OK) {
      if (call.audited) note(who.name, command->name, changes, refusal);
      return refusal;
    }
  }
  call.kind = Kind::command;
  call.name = command->name;
  call.args = args;
  call.caller = who;
  if (verdict && who.is_outside() && (command->flags & DTU_COMMAND_PASSWORD) != 0) call.caller.gave_password = true;
  call.changes = changes;
  call.internal = (command->flags & DTU_COMMAND_INTERNAL) != 0;
  call.remote = who.is_outside() && !who.through_answer;
  call.asker = asker;
  call.number = number;
  call.provider = command->provider;
  call.builtin = command->builtin;
  call.done = std::move(done);
  return begin(std::move(call), request.deadline_ms, verdict ? nullptr : &request.password);
}

bool Calls::answers_untold() {
  answering_.erase(std::remove_if(answering_.begin(), answering_.end(),
                                  [](const auto& m) { return m == nullptr || m->answers_waiting() == 0; }),
                   answering_.end());
  return !answering_.empty() || !finished_.empty();
}

bool Calls::remote_under_way() {
  static_cast<void>(answers_untold());  // an answer of the kernel's own is none of these
  return !answering_.empty() ||
         std::any_of(calls_.begin(), calls_.end(), [](const auto& c) { return c.second.remote; });
}

// One after the other: what the first tells may decide the next without a comparison, or lock its source.
void Calls::next_check() {
  while (!checking_ && !checks_.empty()) {
    const Check& check = checks_.front();
    const auto it = calls_.find(check.id);
    if (it == calls_.end()) {  // its deadline passed, or its asker is gone
      checks_.pop_front();
      continue;
    }
    const std::string source = it->second.caller.guesses_as();
    if (const auto verdict = access_.check(source, check.password, monotonic_ns())) {
      const Check known = check;
      checks_.pop_front();
      checked(known, *verdict);
      continue;
    }
    checking_ = true;
    const std::string hash = access_.hash();
    checker_.check(hash, check.password, [this, hash, source](bool matches) {
      checking_ = false;
      if (hash == access_.hash()) {  // else the password was changed meanwhile: compare anew
        const Check done = checks_.front();
        checks_.pop_front();
        checked(done, access_.judge(source, done.password, matches, monotonic_ns()));
      }
      next_check();
    });
  }
}

void Calls::checked(const Check& check, const Answer& verdict) {
  const auto it = calls_.find(check.id);
  if (it == calls_.end()) return;
  if (verdict.status != DTU_OK) return finish(check.id, verdict);
  const Command* command = directory_.command(it->second.name, it->second.provider);
  const Answer refusal = command != nullptr ? unfit(*command, it->second.args)
                                            : Answer{DTU_E_CLOSED, "", it->second.name + " is not offered any more"};
  if (refusal.status != DTU_OK) return finish(check.id, refusal);
  it->second.caller.gave_password = true;
  waiting_.push_back(check.id);
  lane_.wake();
}

Answer Calls::read_point(std::string_view name, plugins::Instance* asker, Done done, Limits limits) {
  const Point* point = directory_.point(name);
  if (point == nullptr && !directory_.complete())
    return {DTU_E_IO, "", std::string(name) + " is not known yet: a HAL is still starting"};
  if (point == nullptr) return {DTU_E_NOT_FOUND, "", "this board has no point " + std::string(name)};
  Call call;
  call.kind = Kind::read;
  call.name = point->name;
  call.asker = asker;
  call.number = limits.number;
  call.provider = point->provider;
  call.done = std::move(done);
  return begin(std::move(call), limits.deadline_ms);
}

Answer Calls::write_point(std::string_view name, std::string_view json, plugins::Instance* asker, Done done,
                          Limits limits) {
  const Point* point = directory_.point(name);
  if (point == nullptr) return {DTU_E_NOT_FOUND, "", "this board has no point " + std::string(name)};
  if ((point->flags & DTU_POINT_WRITABLE) == 0 || point->provider->tables().points.write == nullptr)
    return {DTU_E_UNSUPPORTED, "", "point " + point->name + " cannot be written"};
  if (const std::string wrong = wrong_value(json); !wrong.empty()) return {DTU_E_INVALID, "", point->name + wrong};
  Call call;
  call.kind = Kind::write;
  call.name = point->name;
  call.args = json;
  call.asker = asker;
  call.number = limits.number;
  call.provider = point->provider;
  call.done = std::move(done);
  return begin(std::move(call), limits.deadline_ms);
}

Answer Calls::await_point(std::string_view name, std::string_view json, plugins::Instance* asker, Done done,
                          uint64_t& id, Limits limits) {
  const Point* point = directory_.point(name);
  if (point == nullptr) return {DTU_E_NOT_FOUND, "", "this board has no point " + std::string(name)};
  if (point->provider->tables().points.await == nullptr)
    return {DTU_E_UNSUPPORTED, "", "point " + point->name + " does not report changes"};
  if (const std::string wrong = wrong_value(json); !wrong.empty()) return {DTU_E_INVALID, "", point->name + wrong};
  Call call;
  call.kind = Kind::await;
  call.name = point->name;
  call.args = json;
  call.asker = asker;
  call.number = limits.number;
  call.provider = point->provider;
  call.done = std::move(done);
  Answer refusal = begin(std::move(call), limits.deadline_ms);
  if (refusal.status == DTU_OK) id = last_id_;
  return refusal;
}

void Calls::drop(uint64_t id, bool tells) {
  const auto theirs = [&](const Finished& f) { return f.id == id; };
  finished_.erase(std::remove_if(finished_.begin(), finished_.end(), theirs), finished_.end());
  for (Finished& f : telling_)
    if (theirs(f)) f.done = nullptr;
  const auto node = calls_.extract(id);
  if (!node) return;
  forget(node.mapped());
  give_up(id);
  if (tells) tell_cancelled(node.mapped());
}

void Calls::cancel(const plugins::Instance& asker, uint64_t number) {
  const auto it = std::find_if(calls_.begin(), calls_.end(), [&](const auto& entry) {
    return entry.second.asker == &asker && entry.second.number == number;
  });
  if (it == calls_.end()) return;
  const Call& call = it->second;
  if (call.audited) note(call.caller.name, call.name, call.changes, {DTU_E_CANCELLED, "", "cancelled by who asked"});
  Call cancelled = it->second;
  drop(it->first, false);
  if (cancelled.provider == nullptr) return tell_cancelled(cancelled);
  // Not now: who asked may be who answers, and is inside a call.
  lane_.post([cancelled = std::move(cancelled), run = cancelled.provider->handle().as_abi()] {
    const plugins::Handle* handle = plugins::Handle::find(run);
    if (handle != nullptr && handle->instance.load() == cancelled.provider) tell_cancelled(cancelled);
  });
}

// What was counted and armed for a call that is not in calls_ any more.
void Calls::forget(const Call& call) {
  bytes_with(call) -= call.bytes;
  if (call.kind == Kind::await) --awaits_;
  lane_.timers().destroy(call.timer);
}

Answer Calls::begin(Call call, uint32_t deadline_ms, const std::string_view* password) {
  call.bytes = call.args.size();
  uint64_t& bytes = bytes_with(call);
  const bool await = call.kind == Kind::await, heavy = bytes != 0 && bytes + call.bytes > kMostBytes;
  if ((await ? awaits_ >= kMostAwaits : calls_.size() - awaits_ >= kMost) || heavy ||
      (password != nullptr && checks_.size() >= kMostChecks))
    return {DTU_AGAIN, "", "too many calls are in progress: try again later"};
  call.id = ++last_id_;
  call.owner = this;
  bytes += call.bytes;
  if (await) ++awaits_;
  const uint64_t id = call.id;
  Call& kept = calls_.emplace(id, std::move(call)).first->second;  // stays where it is: an unordered_map's node
  const uint32_t most = await ? deadline_ms : kept.internal ? kLongestInternal_ms : kLongestDeadline_ms;
  const uint32_t ms = deadline_ms == 0 ? kDefaultDeadline_ms : std::min(deadline_ms, most);
  kept.timer = lane_.timers().create(deadline_passed, &kept);
  if (!await || deadline_ms != 0) {
    kept.until_ns = monotonic_ns() + int64_t{ms} * 1'000'000;
    lane_.timers().arm(kept.timer, kept.until_ns);
  }
  if (password != nullptr) {
    checks_.push_back({id, std::string(*password)});
    next_check();
    return {};
  }
  waiting_.push_back(id);
  lane_.wake();
  return {};
}

// Commands and awaits may take long and cost the provider something meanwhile; reads and writes end by themselves.
void Calls::tell_cancelled(const Call& call) {
  plugins::Instance* provider = call.provider;
  if (provider == nullptr && call.given_up) return call.given_up();
  if (!call.handed_over || provider == nullptr || !provider->alive()) return;
  const plugins::Tables& t = provider->tables();
  const auto cancel = call.kind == Kind::command ? t.commands.cancel
                      : call.kind == Kind::await ? t.points.cancel
                                                 : nullptr;
  if (cancel == nullptr) return;
  provider->call(
      [provider, cancel, id = call.id] {
        return provider->guarded("cancel", nullptr, [&] { return cancel(provider->self(), id), DTU_OK; });
      },
      [](dtu_status) {});
}

void Calls::give_up(uint64_t id) {
  given_up_.push_back(id);
  if (given_up_.size() > 4 * kMost) given_up_.pop_front();
}

void Calls::deadline_passed(void* call_ptr) {
  const Call call = *static_cast<Call*>(call_ptr);
  std::string what = call.name + " was not answered in time";
  if (call.provider != nullptr) what += " by " + call.provider->name();
  call.owner->give_up(call.id);
  call.owner->finish(call.id, {DTU_E_TIMEOUT, "", what});
  tell_cancelled(call);
}

void Calls::finish(uint64_t id, Answer answer) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  if (it->second.audited) note(it->second.caller.name, it->second.name, it->second.changes, answer);
  const auto node = calls_.extract(it);
  Call& call = node.mapped();
  forget(call);
  // An answer for a plugin only gets into its mailbox here, in order with the events it subscribed to.
  if (call.asker != nullptr) {
    if (call.remote) answering_.push_back(call.asker->mailbox());
    return call.done(answer);
  }
  finished_.push_back({id, std::move(call.done), std::move(answer)});
  lane_.wake();
}

void Calls::when_given_up(uint64_t call, std::function<void()> told) {
  const auto it = calls_.find(call);
  if (it != calls_.end()) it->second.given_up = std::move(told);  // else it was answered at once
}

dtu_status Calls::reply(const plugins::Instance& provider, uint64_t id, Answer answer) {
  const auto it = calls_.find(id);
  if (it == calls_.end() || it->second.provider != &provider) {
    // One whose deadline passed a moment ago, or that nobody waits for any more, is nobody's mistake.
    if (!was_given_up(id))
      provider.faults().note(plugins::Fault::reply, called_in(lane_, "reply"),
                             "names call " + std::to_string(id) + ", which does not exist or was answered before");
    return DTU_E_CLOSED;
  }
  const bool is_long = answer.json.size() > DTU_PAYLOAD_MAX;
  if (is_long || (!answer.json.empty() && !config::check_syntax(answer.json).empty())) {
    provider.faults().note(plugins::Fault::malformed, called_in(lane_, "reply"),
                           "to " + it->second.name + (is_long ? " is over 1 MiB" : " is not JSON"));
    answer = {DTU_E_INTERNAL, "", provider.name() + " gave an answer that is " + (is_long ? "over 1 MiB" : "not JSON")};
  }
  finish(id, std::move(answer));
  return DTU_OK;
}

const Caller* Calls::asker_of(const plugins::Instance& provider, uint64_t call) const {
  const auto it = calls_.find(call);
  const bool answers = it != calls_.end() && it->second.provider == &provider && it->second.kind == Kind::command &&
                       it->second.handed_over;
  return answers ? &it->second.caller : nullptr;
}

bool Calls::was_given_up(uint64_t call) const {
  return std::find(given_up_.begin(), given_up_.end(), call) != given_up_.end();
}

void Calls::gone(const plugins::Instance& instance) {
  std::vector<uint64_t> to_it, of_it;
  for (const auto& [id, call] : calls_) {
    if (call.asker == &instance)
      of_it.push_back(id);
    else if (call.provider == &instance && (call.handed_over || held_ != &instance))
      to_it.push_back(id);
  }
  for (const uint64_t id : of_it) {
    const auto node = calls_.extract(id);
    forget(node.mapped());
    give_up(id);
    if (node.mapped().kind == Kind::await || node.mapped().provider == nullptr) tell_cancelled(node.mapped());
  }
  for (const uint64_t id : to_it) give_up(id);
  for (const uint64_t id : to_it)
    finish(id, {DTU_E_CLOSED, "", instance.name() + " stopped before it answered", DTU_ERR_RETRYABLE});
}

void Calls::hold(const plugins::Instance& provider) { held_ = &provider; }

void Calls::rehome(const plugins::Instance& from, plugins::Instance& to) {
  if (held_ == &from) held_ = &to;
  for (auto& [id, call] : calls_)
    if (call.provider == &from) call.provider = &to;
}

void Calls::release(const plugins::Instance& provider) {
  if (held_ != &provider) return;
  held_ = nullptr;
  for (const uint64_t id : std::exchange(parked_, {})) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) continue;  // its deadline passed, or its asker is gone
    const Answer refusal = still_offered(it->second);
    if (refusal.status != DTU_OK)
      finish(id, refusal);
    else
      waiting_.push_back(id);
  }
  lane_.wake();
}

// By whoever offers it now, in the way it was asked for.
Answer Calls::still_offered(Call& call) {
  const Answer gone{DTU_E_CLOSED, "", call.name + " is not offered any more"};
  if (call.kind == Kind::command) {
    const Command* command = directory_.command(call.name, call.provider);
    if (command == nullptr) command = directory_.command(call.name);
    if (command == nullptr || command->provider == nullptr) return gone;
    call.provider = command->provider;
    return unfit(*command, call.args);
  }
  const Point* point = directory_.point(call.name);
  if (point == nullptr) return gone;
  call.provider = point->provider;
  const dtu_points& table = point->provider->tables().points;
  const bool can = call.kind == Kind::write   ? (point->flags & DTU_POINT_WRITABLE) != 0 && table.write != nullptr
                   : call.kind == Kind::await ? table.await != nullptr
                                              : true;
  return can ? Answer{} : gone;
}

size_t Calls::under_way(const plugins::Instance& instance) const {
  const auto count = [](const auto& list, auto matches) {
    return static_cast<size_t>(std::count_if(list.begin(), list.end(), matches));
  };
  const size_t untold = instance.mailbox() != nullptr ? instance.mailbox()->answers_waiting() : 0;
  return untold + count(calls_, [&](const auto& entry) {
           const Call& call = entry.second;
           const bool answers = call.provider == &instance && call.handed_over;
           return call.kind != Kind::await && (answers || call.asker == &instance);
         });
}

bool Calls::deliver() {
  if (waiting_.empty() && finished_.empty()) return false;
  handing_.swap(waiting_);
  for (const uint64_t id : handing_) hand_over(id);
  handing_.clear();
  telling_.swap(finished_);
  // By index: gone() may be called meanwhile and clears entries.
  for (size_t i = 0; i < telling_.size(); ++i)
    if (const Done done = std::move(telling_[i].done)) done(telling_[i].answer);
  telling_.clear();
  return true;
}

// On the provider's lane.
dtu_status Calls::put(plugins::Instance& provider, const Call& call, dtu_error* error) {
  const plugins::Tables& t = provider.tables();
  switch (call.kind) {
    case Kind::command: {
      const Caller& who = call.caller;
      const dtu_caller caller{sizeof caller, static_cast<uint32_t>(who.kind), who.number, who.peer, text(who.name)};
      const dtu_invocation invocation{sizeof invocation, ms_until(call.until_ns), call.id,
                                      text(call.name),   text(call.args),         &caller};
      return t.commands.invoke(provider.self(), &invocation, error);
    }
    case Kind::read:
      return t.points.read(provider.self(), text(call.name), call.id, error);
    case Kind::write:
      return t.points.write(provider.self(), text(call.name), text(call.args), call.id, error);
    case Kind::await:
      return t.points.await(provider.self(), text(call.name), text(call.args), call.id, error);
  }
  return DTU_E_INTERNAL;
}

void Calls::hand_over(uint64_t id) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  Call& call = it->second;
  // What it asks itself is part of what it still has to answer: waiting for its successor, it would wait for itself.
  if (call.provider != nullptr && call.provider == held_ && call.asker != held_) return parked_.push_back(id);
  call.handed_over = true;
  if (call.provider == nullptr) {
    // The call may be over before the function is.
    const Builtin builtin = std::move(call.builtin);
    const std::string args = std::move(call.args);
    Caller caller = call.caller;
    caller.call = id;
    builtin(args, caller, [this, id](const Answer& answer) { finish(id, answer); });
    return;
  }
  plugins::Instance* provider = call.provider;
  if (!provider->alive())
    return finish(id, {DTU_E_CLOSED, "", provider->name() + " is not running", DTU_ERR_RETRYABLE});
  Call question;  // what the provider's lane may look at: the call itself stays here
  question.id = id;
  question.kind = call.kind;
  question.name = call.name;
  question.args = call.args;
  question.caller = call.caller;
  question.until_ns = call.until_ns;
  provider->call(
      [provider, question = std::move(question)] {
        Called c;
        c.error.struct_size = sizeof c.error;
        c.status = provider->guarded(question.kind == Kind::command ? "invoke" : "point", &c.error,
                                     [&] { return put(*provider, question, &c.error); });
        return c;
      },
      [this, id](const Called& c) {
        if (c.status < 0)
          finish(id, {c.status, "", c.error.message[0] != '\0' ? text_of(c.error) : name_of_status(c.status),
                      c.error.flags, c.error.protocol_code});
      });
}

}  // namespace dtud::commands
