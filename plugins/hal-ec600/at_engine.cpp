#include "at_engine.hpp"

#include <algorithm>

namespace hal_ec600 {
namespace {

struct SyncStep {
  const char* command;
  const char* form;
  int64_t timeout_ms;
};
// Three that differ, so that the late answer to one does not look like the answer to the next.
constexpr std::array kSync{SyncStep{"AT+CMEE?", "+CMEE: n", 1'000}, SyncStep{"AT+CMGF?", "+CMGF: n", 2'000},
                           SyncStep{"AT+CSCS?", "+CSCS: *", 4'000}};

constexpr int64_t kBusyPauseMs = 1'000;
constexpr uint32_t kPromptMs = 10'000;
constexpr char kEscape = 0x1B, kControlZ = 0x1A;

bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

struct FinalWord {
  std::string_view begin;
  AtEnd end;
  bool whole;  // the line is this, not only its beginning
};
constexpr std::array kFinals{FinalWord{"OK", AtEnd::ok, true},
                             FinalWord{"ERROR", AtEnd::error, true},
                             FinalWord{"+CME ERROR", AtEnd::cme, false},
                             FinalWord{"+CMS ERROR", AtEnd::cms, false},
                             FinalWord{"NO CARRIER", AtEnd::error, true},
                             FinalWord{"ABORTED", AtEnd::error, true}};

const FinalWord* final_word(std::string_view line) {
  for (const FinalWord& f : kFinals)
    if (f.whole ? line == f.begin : starts_with(line, f.begin)) return &f;
  return nullptr;
}

bool is_sendable(std::string_view command) {
  return !command.empty() && command.size() <= AtEngine::kLongestCommand &&
         std::all_of(command.begin(), command.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Without its arguments, which may be a PIN or a password.
std::string name_of(std::string_view command) {
  return std::string(command.substr(0, command.find_first_of("=;?", 2)));
}

bool is_echo(std::string_view line, std::string_view command) {
  return line == command || (line.size() > 2 && starts_with(line, "AT") && line[2] == '+');
}

std::string seconds(uint64_t ms) {
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

uint32_t time_of(const AtExchange& ask) { return ask.timeout_ms != 0 ? ask.timeout_ms : at_timeout_ms(ask.command); }

class Receiving {
 public:
  explicit Receiving(bool& flag) : flag_(flag), before_(std::exchange(flag, true)) {}
  Receiving(const Receiving&) = delete;
  Receiving& operator=(const Receiving&) = delete;
  ~Receiving() { flag_ = before_; }

 private:
  bool& flag_;
  bool before_;
};

}  // namespace

std::string_view AtResult::line(std::string_view begin) const noexcept {
  for (auto at = lines.rbegin(); at != lines.rend(); ++at)
    if (starts_with(*at, begin)) return *at;
  return {};
}

AtEngine::AtEngine(AtLine& line, AtListener& listener) : line_(line), listener_(listener), reader_(*this) {}

// ---- the queue

uint64_t AtEngine::submit(AtExchange ask, AtPlace place) {
  const bool takes = state_ == State::ready || state_ == State::syncing || (state_ == State::unproved && ask.rescue);
  if (!takes || waiting_.size() >= kMostWaiting || !is_sendable(ask.command)) return 0;
  Job job{++last_id_, std::move(ask)};
  place == AtPlace::next ? waiting_.push_front(std::move(job)) : waiting_.push_back(std::move(job));
  const uint64_t id = last_id_;
  if (!receiving_) pump();
  return id;
}

std::string AtEngine::refusal() const {
  if (state_ == State::closed) return "the modem is not there";
  if (state_ == State::unproved) return "the modem does not answer";
  if (waiting_.size() >= kMostWaiting) return "the modem is busy: " + std::to_string(kMostWaiting) + " commands wait";
  return "a command has 1 to " + std::to_string(kLongestCommand) + " printable ASCII characters";
}

void AtEngine::cancel(uint64_t id) {
  if (active_ && active_->job.id == id) active_->job.ask.done = nullptr;
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), [id](const Job& j) { return j.id == id; }),
                 waiting_.end());
}

std::string AtEngine::busy_with() const { return active_ ? name_of(active_->job.ask.command) : std::string(); }

uint32_t AtEngine::busy_ms() {
  return active_ ? static_cast<uint32_t>(std::max<int64_t>(0, active_->deadline_ms - line_.now_ms())) : 0;
}

uint32_t AtEngine::held_ms() { return active_ ? static_cast<uint32_t>(line_.now_ms() - active_->since_ms) : 0; }

void AtEngine::pump() {
  const int64_t now = line_.now_ms();
  const auto may_go = [&](const Job& j) {
    return j.not_before_ms <= now && (state_ == State::ready || (state_ == State::unproved && j.ask.rescue));
  };
  if (!active_ && state_ != State::closed && state_ != State::syncing) {
    if (const auto at = std::find_if(waiting_.begin(), waiting_.end(), may_go); at != waiting_.end()) {
      Job job = std::move(*at);
      waiting_.erase(at);
      send(std::move(job));
    }
  }
  wake();
}

void AtEngine::send(Job job) {
  const AtExchange& ask = job.ask;
  const uint32_t timeout = ask.prompt ? std::min(time_of(ask), kPromptMs) : time_of(ask);
  const std::string bytes = ask.command + "\r";
  reader_.await_prompt(ask.prompt.has_value());
  const int64_t now = line_.now_ms();
  active_.emplace(std::move(job), now, now + timeout);
  ++counters_.exchanges;
  line_.write(bytes);
}

void AtEngine::wake() {
  int64_t next = -1;
  const auto sooner = [&next](int64_t at) { next = next < 0 ? at : std::min(next, at); };
  if (active_) sooner(active_->deadline_ms);
  if (state_ == State::syncing) sooner(sync_deadline_ms_);
  if (!active_ && state_ == State::ready)
    for (const Job& j : waiting_) sooner(j.not_before_ms);
  line_.wake_in(next < 0 ? 0 : static_cast<uint64_t>(std::max<int64_t>(1, next - line_.now_ms())));
}

// ---- the end of an exchange

void AtEngine::finish(AtEnd end, std::string_view final, const AtError& error) {
  const std::string name = name_of(active_->job.ask.command);
  active_->result.final = final;
  active_->result.code = error.code;
  if (end == AtEnd::ok) return finish(end, std::string());
  if (ask_again(error.code)) return;
  const std::string number = error.code >= 0 ? " (" + std::to_string(error.code) + ")" : "";
  finish(end, name + ": " + (error.words.empty() ? "the modem refused it" : error.words + number));
}

void AtEngine::finish(AtEnd end, std::string text) {
  Active active = std::move(*active_);
  active_.reset();
  reader_.await_prompt(false);
  active.result.end = end;
  active.result.text = std::move(text);
  if (active.job.ask.done) active.job.ask.done(active.result);
  if (!receiving_) pump();
}

// "SIM busy" while it starts: the exchange goes back to the queue, and the others run on.
bool AtEngine::ask_again(int code) {
  const bool cms = starts_with(active_->result.final, "+CMS");
  Job& job = active_->job;
  if (code != (cms ? kCmsSimBusy : kCmeSimBusy) || job.ask.sim_busy_ms == 0) return false;
  const int64_t now = line_.now_ms();
  if (job.give_up_ms == 0) job.give_up_ms = now + job.ask.sim_busy_ms;
  if (now + kBusyPauseMs > job.give_up_ms || waiting_.size() >= kMostWaiting) return false;
  job.not_before_ms = now + kBusyPauseMs;
  waiting_.push_back(std::move(job));
  active_.reset();
  reader_.await_prompt(false);
  if (!receiving_) pump();
  return true;
}

void AtEngine::end_all(AtEnd end, const std::string& text) {
  std::deque<Job> ended;
  ended.swap(waiting_);
  bool handed_over = active_ && active_->prompted;
  if (active_) ended.push_front(std::move(active_->job));
  active_.reset();
  reader_.await_prompt(false);
  const Receiving now(receiving_);  // nothing is sent before all know
  for (Job& job : ended) {
    const bool with_modem = std::exchange(handed_over, false);  // of the first, which was under way
    if (!job.ask.done) continue;
    AtResult result;
    result.handed_over = with_modem;
    result.end = end;
    result.text = name_of(job.ask.command) + ": " + text;
    job.ask.done(result);
  }
}

void AtEngine::time_out() {
  ++counters_.timeouts;
  const AtExchange& ask = active_->job.ask;
  const uint32_t timeout = time_of(ask);
  if (ask.prompt && !active_->prompted)
    return abandon(name_of(ask.command) + ": the modem did not ask for the text within " +
                   seconds(std::min(timeout, kPromptMs)) + ", so nothing was sent");
  abandon(name_of(ask.command) + ": the modem did not answer within " + seconds(timeout));
}

// What still comes of its answer belongs to nothing.
void AtEngine::abandon(const std::string& text) {
  const bool prompt = active_->job.ask.prompt.has_value();
  late_forms_ = active_->job.ask.forms;
  reader_.reset();
  if (prompt) line_.write(std::string{kEscape, '\r'});  // a prompt that was missed would take the next command as text
  if (state_ == State::ready) {
    state_ = State::syncing;
    sync_try_ = 0;
    sync();
  }
  if (active_) finish(AtEnd::timeout, text);
}

// ---- life

void AtEngine::opened() {
  reader_.reset();
  urc_line_.clear();
  state_ = State::unproved;
  wake();
}

void AtEngine::lost(const std::string& why) {
  state_ = State::closed;
  reader_.reset();
  urc_line_.clear();
  end_all(AtEnd::gone, why);
  wake();
}

void AtEngine::prove() {
  if (state_ != State::unproved) return;
  state_ = State::syncing;
  tell_proved_ = true;
  sync_try_ = 0;
  sync();
  wake();
}

void AtEngine::restarted() {
  if (state_ == State::closed) return;
  ++counters_.restarts;
  reader_.reset();
  late_forms_.clear();
  end_all(AtEnd::restarted, "modem restarted");
  state_ = State::syncing;
  tell_proved_ = true;
  sync_try_ = 0;
  sync();
  listener_.on_restart();
}

void AtEngine::sync() {
  if (sync_try_ == kSync.size()) {
    state_ = State::unproved;
    end_all(AtEnd::timeout, "the modem does not answer");
    listener_.on_silent();
    return;
  }
  const SyncStep& step = kSync.at(sync_try_++);
  sync_seen_ = false;
  sync_deadline_ms_ = line_.now_ms() + step.timeout_ms;
  line_.write(std::string(step.command) + "\r");
}

void AtEngine::sync_line(std::string_view line) {
  const SyncStep& step = kSync.at(sync_try_ - 1);
  if (at_has_form(line, step.form)) {
    sync_seen_ = true;
  } else if (line == "OK" && sync_seen_) {
    state_ = State::ready;
    late_forms_.clear();
    if (std::exchange(tell_proved_, false)) listener_.on_proved();
  } else if (final_word(line) != nullptr ||
             std::any_of(late_forms_.begin(), late_forms_.end(), [line](const AtForm& f) {
               return at_has_form(line, f.form) || (!f.follower.empty() && at_has_form(line, f.follower));
             })) {
    ++counters_.late;
  } else {
    unsolicited(line);
  }
}

void AtEngine::tick() {
  const int64_t now = line_.now_ms();
  if (state_ == State::syncing && now >= sync_deadline_ms_) sync();
  if (active_ && now >= active_->deadline_ms) time_out();
  pump();
}

// ---- what comes in

void AtEngine::received(std::string_view bytes) {
  if (state_ == State::closed) return;
  {
    const Receiving now(receiving_);  // the next command goes out when all that is here was read: a doubled OK is not
    reader_.feed(bytes);              // its answer
  }
  pump();
}

void AtEngine::on_line(std::string_view line) {
  if (state_ == State::closed) return;
  if (!urc_line_.empty()) {
    const std::string first = std::exchange(urc_line_, {});
    for (size_t i = 0; i < urcs_.size(); ++i)
      if (starts_with(first, urcs_[i].prefix)) urcs_[i].handler(first, line);
    return;
  }
  if (line == "RDY") {
    restarted();
    return unsolicited(line);
  }
  if (take_echo(line)) return;
  if (state_ == State::syncing) return sync_line(line);
  if (active_ && (is_answer(line) || take_final(line))) return;
  if (final_word(line) != nullptr) {
    ++counters_.strays;
    return;
  }
  unsolicited(line);
}

bool AtEngine::take_echo(std::string_view line) {
  const std::string_view command = active_ ? std::string_view(active_->job.ask.command) : std::string_view("AT");
  const bool echo = is_echo(line, command);
  // The text behind a prompt comes back too.
  const bool text = active_ && active_->echoed && active_->prompted && line.size() > 1 &&
                    active_->job.ask.prompt->bytes.find(line.substr(0, line.size() - 1)) != std::string::npos;
  if (!echo && !text) return false;
  ++counters_.echoes;
  if (active_) active_->echoed = true;
  return true;
}

bool AtEngine::is_answer(std::string_view line) {
  const AtExchange& ask = active_->job.ask;
  if (!active_->follower.empty()) {
    if (!at_has_form(line, active_->follower)) return false;
    active_->follower.clear();
    keep(line);
    return true;
  }
  if (ask.counted && at_has_form(line, ask.counted->form)) {
    const auto count = at_number(at_fields(line), ask.counted->field);
    keep(line);
    if (!count || *count < 0 || static_cast<uint64_t>(*count) > ask.counted->most) {
      abandon(name_of(ask.command) + ": more bytes announced than the " + std::to_string(ask.counted->most) +
              " allowed");
    } else if (*count != 0) {
      active_->counting = true;
      reader_.count(static_cast<size_t>(*count));
    }
    return true;
  }
  for (const AtForm& f : ask.forms) {
    if (!at_has_form(line, f.form) || (f.form == "~" && final_word(line) != nullptr)) continue;
    active_->follower = f.follower;
    keep(line);
    return true;
  }
  return false;
}

void AtEngine::keep(std::string_view line) {
  AtResult& r = active_->result;
  if (r.lines.size() >= kMostLines || active_->bytes + line.size() > kMostBytes) {
    r.cut = true;
    return;
  }
  active_->bytes += line.size();
  r.lines.emplace_back(line);
}

bool AtEngine::lacks_lines() const {
  const AtExchange& ask = active_->job.ask;
  if (ask.prompt && !active_->prompted) return true;
  if (!active_->result.lines.empty()) return false;
  const bool needs = std::any_of(ask.forms.begin(), ask.forms.end(), [](const AtForm& f) { return !f.may_lack; });
  const bool all = std::all_of(ask.forms.begin(), ask.forms.end(), [](const AtForm& f) { return !f.may_lack; });
  return needs && all;
}

bool AtEngine::take_final(std::string_view line) {
  for (const auto& [text, end] : active_->job.ask.ends)
    if (line == text) return finish(end, line), true;
  if (active_->job.ask.prompt && !active_->prompted && line == "CONNECT") return on_prompt(), true;
  const FinalWord* word = final_word(line);
  if (word == nullptr) return false;
  if (word->end == AtEnd::ok && lacks_lines()) return false;  // the OK of something else
  const bool coded = word->end == AtEnd::cme || word->end == AtEnd::cms;
  finish(word->end, line, coded ? at_error(line) : AtError{-1, {}});
  return true;
}

void AtEngine::on_prompt() {
  if (!active_ || !active_->job.ask.prompt || active_->prompted) {
    ++counters_.strays;
    return;
  }
  active_->prompted = active_->result.handed_over = true;
  const AtExchange& ask = active_->job.ask;
  active_->deadline_ms = line_.now_ms() + time_of(ask);
  reader_.await_prompt(false);
  line_.write(ask.prompt->end_with_z ? ask.prompt->bytes + kControlZ : ask.prompt->bytes);
}

void AtEngine::on_data(std::string_view bytes) {
  if (active_ && active_->counting) active_->result.data.append(bytes);
}

void AtEngine::on_urc(std::string prefix, UrcHandler handler, bool follower) {
  urcs_.push_back({std::move(prefix), std::move(handler), follower});
}

void AtEngine::unsolicited(std::string_view line) {
  ++counters_.unsolicited;
  bool known = false;
  for (size_t i = 0; i < urcs_.size(); ++i) {  // a handler may add one
    if (!starts_with(line, urcs_[i].prefix)) continue;
    known = true;
    if (urcs_[i].follower)
      urc_line_ = line;
    else
      urcs_[i].handler(line, {});
  }
  if (!known && state_ != State::unproved) listener_.on_unknown(line);
}

}  // namespace hal_ec600
