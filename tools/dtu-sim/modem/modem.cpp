#include "modem.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "radio.hpp"
#include "table.hpp"

namespace sim::modem {

namespace {

bool one_matches(std::string_view pattern, std::string_view line) {
  const std::string wanted = upper(pattern);
  const std::string got = upper(line);
  if (!wanted.empty() && wanted.back() == '*')
    return got.compare(0, wanted.size() - 1, wanted, 0, wanted.size() - 1) == 0;
  return wanted == got;
}

constexpr std::string_view kOk = "\r\nOK\r\n";

// A scripted answer that ends with OK and is not of the whole line: the other commands of the line answer as well.
bool is_a_part(const Override& scripted, std::string_view line) {
  const std::optional<std::string>& text = scripted.answer;
  return text && text->size() >= kOk.size() && text->compare(text->size() - kOk.size(), kOk.size(), kOk) == 0 &&
         !one_matches(scripted.command, line);
}

// Its lines, as Answer::line takes them.
std::string without_ending(std::string_view text) {
  constexpr std::string_view kEnd = "\r\n";
  text.remove_suffix(kOk.size());
  if (text.substr(0, kEnd.size()) == kEnd) text.remove_prefix(kEnd.size());
  if (text.size() >= kEnd.size() && text.substr(text.size() - kEnd.size()) == kEnd) text.remove_suffix(kEnd.size());
  return std::string(text);
}

std::string ending(const Answer& answer, int cmee) {
  // In the order of Result.
  static const std::array<std::string_view, 6> kEndings{
      kOk, "\r\nERROR\r\n", "\r\n+CME ERROR: ", "\r\n+CMS ERROR: ", "", ""};
  const bool as_error = answer.result == Result::cme && cmee == 0;
  std::string text(kEndings[static_cast<size_t>(as_error ? Result::error : answer.result)]);
  if (as_error || (answer.result != Result::cme && answer.result != Result::cms)) return text;
  text += answer.result == Result::cme && cmee == 2 ? cme_text(answer.number) : std::to_string(answer.number);
  return text + "\r\n";
}

}  // namespace

bool command_matches(std::string_view pattern, std::string_view line) {
  if (one_matches(pattern, line)) return true;
  bool first = true;
  for (std::string_view rest = line; !rest.empty(); first = false) {
    const std::string_view part = until_semicolon(rest);
    if (one_matches(pattern, (first ? "" : "AT") + std::string(part))) return true;
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  return false;
}

Modem::Modem(const Profile& profile, uint32_t seed, Hooks hooks)
    : profile_(profile), hooks_(std::move(hooks)), wire_(seed) {
  state_.version = profile.version;
}

// ---------------------------------------------------------------- in

void Modem::receive(std::string_view bytes) {
  check_rate();
  if (!listens()) {
    counts_.ignored_bytes += bytes.size();
    return;
  }
  if (wire_.faults().garbled) {
    counts_.ignored_bytes += bytes.size();
    return wire_.send_garbage(bytes.size());
  }
  for (const char c : bytes) {
    if (state_.settings.echo) wire_.send({&c, 1});
    take_byte(c);
  }
}

// Rates that differ make every byte another one, in both directions.
void Modem::check_rate() {
  const int64_t own = state_.settings.rate;
  wire_.faults().garbled = own != 0 && line_rate_ != 0 && own != line_rate_;
}

void Modem::take_byte(char c) {
  constexpr char kEnd = '\x1a';
  constexpr char kEscape = '\x1b';
  if (data_) {
    const bool counted = data_->count > 0;
    const bool aborted = !counted && c == kEscape;
    const bool ended = aborted || (!counted && c == kEnd);
    if (!ended && data_->bytes.size() < kMostLine) data_->bytes += c;
    if (!ended && (!counted || data_->bytes.size() < data_->count)) return;
    const Data data = std::move(*data_);
    data_.reset();
    if (hooks_.trace) hooks_.trace('<', data.bytes);
    data.done(*this, data.bytes, aborted);
    return;
  }
  if (c == '\n') return;
  if (c != '\r') {
    if (line_.size() < kMostLine)
      line_ += c;
    else
      too_long_ = true;
    return;
  }
  std::string line;
  line.swap(line_);
  const bool too_long = std::exchange(too_long_, false);
  line.erase(0, line.find_first_not_of(" \x1a\x1b"));  // what a host sends to get out of a prompt
  if (line.empty()) return;
  take_line(too_long ? "AT+TOO_LONG" : std::move(line));
}

void Modem::take_line(std::string line) {
  if (!busy_) return run_line(line);
  if (waiting_lines_.size() < kMostWaitingLines) return waiting_lines_.push_back(std::move(line));
  counts_.ignored_bytes += line.size();
}

void Modem::run_line(const std::string& line) {
  if (hooks_.trace) hooks_.trace('<', line);
  ++counts_.commands;
  const uint64_t restarts = counts_.restarts;
  busy_ = true;
  busy_with_ = line;
  if (hooks_.before_answer) hooks_.before_answer(line);
  if (restarts != counts_.restarts || !listens()) {
    busy_ = false;
    return;
  }

  Answer answer;
  int64_t delay = 0;
  if (Override* replaced = find_override(line)) {
    if (is_a_part(*replaced, line)) {
      run_each(line, answer);
      return deliver(line, std::move(answer));
    }
    delay = replaced->delay_ms;
    const std::optional<std::string> text = replaced->answer;
    if (replaced->times > 0) --replaced->times;
    if (text) {
      answer.result = Result::silent;
      answer.delay_ms = delay;
      answer.after(0, [bytes = *text](Modem& modem) { modem.send_raw(bytes); });
      return deliver(line, std::move(answer));
    }
  }
  run_calls(line, answer);
  answer.delay_ms += delay;
  deliver(line, std::move(answer));
}

void Modem::run_calls(std::string_view line, Answer& answer) {
  const auto calls = parse_line(line);
  if (!calls) answer.error();
  for (const Call& call : calls.value_or(std::vector<Call>{})) {
    run_call(call, answer);
    if (answer.result != Result::ok) break;
  }
}

// The commands of a line one by one, some of them with a scripted answer. The result is of the line.
void Modem::run_each(std::string_view line, Answer& answer) {
  std::string command;
  for (std::string_view rest = line; !rest.empty() && answer.result == Result::ok;) {
    const std::string_view part = until_semicolon(rest);
    command = (rest.size() == line.size() ? "" : "AT") + std::string(part);
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    Override* scripted = find_override(command);
    if (scripted == nullptr || !is_a_part(*scripted, line)) {
      run_calls(command, answer);
      continue;
    }
    answer.delay_ms += scripted->delay_ms;
    if (scripted->times > 0) --scripted->times;
    if (std::string lines = without_ending(*scripted->answer); !lines.empty()) answer.line(std::move(lines));
  }
}

void Modem::run_call(const Call& call, Answer& answer) {
  const AtCommand* command = find_command(call.name, profile_.bit);
  if (command == nullptr) return answer.error();
  if (call.form == Form::test) {
    if (command->test == nullptr) return answer.error();
    if (*command->test != '\0') answer.line(std::string(command->test));
    return;
  }
  const Handler handler = call.form == Form::execute
                              ? (call.arguments.empty() || !command->set ? command->execute : command->set)
                          : call.form == Form::read ? command->read
                                                    : command->set;
  if (handler == nullptr) return answer.error();
  if (command->need != Need::nothing)
    if (const int missing = missing_sim(*this, command->need == Need::messages); missing != 0)
      return command->need == Need::messages ? answer.cms(missing) : answer.cme(missing);
  handler(*this, call, answer);
}

// ---------------------------------------------------------------- out

void Modem::deliver(const std::string& line, Answer answer) {
  const auto now_or_later = [this](int64_t ms, std::function<void(Modem&)> act) {
    if (ms > 0) return later(ms, std::move(act));
    act(*this);
  };
  const int64_t delay = answer.delay_ms;
  now_or_later(delay, [line, answer = std::move(answer)](Modem& modem) {
    if (!modem.listens()) {  // it hangs since
      modem.busy_ = false;
      return;
    }
    modem.print(answer);
    if (answer.result != Result::prompt) modem.busy_ = false;
    for (const Answer::Later& next : answer.later) {
      if (next.ms > 0)
        modem.later(next.ms, next.act);
      else
        next.act(modem);
    }
    if (modem.busy_) return;
    if (modem.hooks_.after_answer) modem.hooks_.after_answer(line);
    while (!modem.busy_ && !modem.waiting_lines_.empty()) {
      const std::string next = std::move(modem.waiting_lines_.front());
      modem.waiting_lines_.pop_front();
      modem.run_line(next);
    }
  });
}

void Modem::finish(Answer answer) { deliver(busy_with_, std::move(answer)); }

void Modem::print(const Answer& answer) {
  std::string text;
  for (const std::string& line : answer.lines) text += "\r\n" + line;
  if (!text.empty()) text += "\r\n";
  const bool error = answer.result == Result::error || answer.result == Result::cme || answer.result == Result::cms;
  if (error) ++counts_.errors;
  text += answer.result == Result::prompt ? state_.prompt : ending(answer, state_.settings.cmee);
  send(text);
}

void Modem::send(std::string_view bytes) {
  if (bytes.empty()) return;
  check_rate();
  if (hooks_.trace) hooks_.trace('>', bytes);
  wire_.send(bytes);
}

void Modem::send_raw(std::string_view bytes) { send(bytes); }

void Modem::urc(std::string_view line) {
  if (power_ == Power::off || now_ms_ < hung_until_ms_ || muted_) return;
  if (state_.urc_port != state_.own_port && state_.urc_port != "all") {
    ++counts_.urcs_elsewhere;
    return;
  }
  ++counts_.urcs;
  send("\r\n" + std::string(line) + "\r\n");
}

void Modem::note(std::string_view text) {
  if (hooks_.trace) hooks_.trace('*', text);
}

void Modem::take_data(size_t count, std::function<void(Modem&, const std::string&, bool)> done) {
  data_ = Data{count, "", std::move(done)};
}

// ---------------------------------------------------------------- time

void Modem::later(int64_t ms, std::function<void(Modem&)> act) { tasks_.emplace(now_ms_ + ms, std::move(act)); }

int64_t Modem::due_ms() const { return tasks_.empty() ? std::numeric_limits<int64_t>::max() : tasks_.begin()->first; }

void Modem::advance(int64_t now_ms) {
  while (!tasks_.empty() && tasks_.begin()->first <= now_ms) {
    const auto first = tasks_.begin();
    now_ms_ = std::max(now_ms_, first->first);
    const std::function<void(Modem&)> act = std::move(first->second);
    tasks_.erase(first);
    act(*this);
  }
  now_ms_ = std::max(now_ms_, now_ms);
  check_rate();
}

// ---------------------------------------------------------------- overrides

Override* Modem::find_override(std::string_view line) {
  for (Override& each : overrides_)
    if (each.times != 0 && command_matches(each.command, line)) return &each;
  return nullptr;
}

void Modem::override_command(Override what) {
  clear_overrides(what.command);
  overrides_.push_back(std::move(what));
}

void Modem::clear_overrides(std::string_view command) {
  const auto same = [&](const Override& each) { return upper(each.command) == upper(command); };
  overrides_.erase(std::remove_if(overrides_.begin(), overrides_.end(), same), overrides_.end());
}

// ---------------------------------------------------------------- power

void Modem::reset() {
  tasks_.clear();
  wire_.clear();
  line_.clear();
  waiting_lines_.clear();
  data_.reset();
  busy_ = false;
  hung_until_ms_ = 0;
  state_.settings = Settings{};
  state_.sockets.clear();
  for (auto& [id, context] : state_.contexts) context.active = false;
  state_.location.gnss.on = false;
  state_.sms.ready = false;
  state_.radio.function = 1;
  state_.radio.registered = {0, 0, 0};
  if (state_.sim.locked && state_.sim.state == SimState::ready) state_.sim.state = SimState::pin;
}

void Modem::power_off() {
  note("power off");
  reset();
  power_ = Power::off;
}

void Modem::power_on() {
  if (power_ == Power::on) return;
  power_ = Power::starting;
  later(start_ms_, [](Modem& modem) { modem.started(); });
}

void Modem::restart(bool leave_bus) {
  note("restart");
  ++counts_.restarts;
  reset();
  power_ = Power::off;
  if (leave_bus && hooks_.on_bus) {
    hooks_.on_bus(false);
    later(start_ms_ / 2, [](Modem& modem) { modem.hooks_.on_bus(true); });
  }
  power_on();
}

void Modem::started() {
  // An update runs before the module listens to commands; it ends with another restart.
  if (const std::function<void(Modem&)> instead = std::exchange(at_start_, nullptr); instead) return instead(*this);
  power_ = Power::on;
  note("started");
  say_boot(*this);
}

}  // namespace sim::modem
