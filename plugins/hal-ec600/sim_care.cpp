#include "sim_care.hpp"

#include <dtu/sdk/sha256.hpp>

#include <algorithm>
#include <utility>

#include "readings.hpp"

namespace hal_ec600 {
namespace {

constexpr uint64_t kSecondReadingMs = 2'000;
constexpr int64_t kFewestAttempts = 2;
constexpr uint64_t kLostMs = 30'000;   // a SIM may be away so long before the radio is switched
constexpr uint32_t kMostToggles = 2;   // for one loss
constexpr int64_t kMostAttempts = 10;  // a SIM has 3; a counter that says more than this says nothing
constexpr uint64_t kTakenMs = 15'000;  // so long may a SIM take to be ready behind its PIN
constexpr uint32_t kMostBusy = 15;     // entries answered "SIM busy", 2 s apart
// The record of a PIN: "tried" and "again" have the attempts that were left before it was entered, where they are
// known.
constexpr const char *kTried = "tried", *kAgain = "again", *kRefused = "refused", *kGood = "good";
constexpr SimCare::Counter kOwnCounter{"AT+QPINC=\"SC\"", "+QPINC: *", "SC"},
    kStandardCounter{"AT+CPINR=\"SIM PIN\"", "+CPINR: *", "SIM PIN"};

// The answer may have a line for each secret of the SIM (PIN, PIN2): the last line of this one counts.
std::optional<int64_t> attempts_left(const AtResult& result, std::string_view secret) {
  std::optional<int64_t> left;
  for (const std::string& line : result.lines) {
    const std::vector<AtField> fields = at_fields(line);
    if (at_text(fields, 0) != secret) continue;
    left = at_number(fields, 1);
    if (left && (*left < 0 || *left > kMostAttempts)) left.reset();
  }
  return left;
}

}  // namespace

SimCare::SimCare(dtu::Host host, Modem& modem, Asker& asker, Values& values, const Config& config)
    : host_(host), modem_(modem), asker_(asker), values_(values), config_(config) {
  if (host.service<dtu_kv_service>(DTU_KV_SERVICE) != nullptr) kept_.emplace(host);
  asker_.on_sim([this](std::string_view before, std::string_view now) { changed(before, now); });
}

void SimCare::start() {
  pin_timer_.emplace(host_, [this] { second_reading(); });
  lost_timer_.emplace(host_, [this] { lost_look(); });
}

void SimCare::stop() {
  modem_unready();
  pin_timer_.reset();
  lost_timer_.reset();
}

void SimCare::modem_ready() {
  if (asker_.sim_state() == "pin") changed("", "pin");
}

void SimCare::modem_unready() {
  ++round_;
  step_ = Step::idle;
  if (pin_timer_) pin_timer_->disarm();
  if (lost_timer_) lost_timer_->disarm();
  away_ = false;
}

void SimCare::changed(std::string_view before, std::string_view now) {
  ++round_;
  step_ = Step::idle;
  if (!pin_timer_) return;
  pin_timer_->disarm();
  const bool lost = now == "none" || now == "failure" || now == "busy";
  if (!lost) {
    lost_timer_->disarm();
    away_ = false;
  }
  if (before == "ready" && now == "none") modem_.budget().note();  // somebody pulled it: that wears the modem too
  trouble_.clear();
  if (now == "ready") {
    was_ready_ = true;
    if (!entered_.empty()) (void)kept_->set(std::exchange(entered_, {}), kGood);
    toggles_ = 0;
    return;
  }
  if (now == "pin") {
    if (config_.pin.empty()) return give_up("the SIM wants its PIN: set \"pin\" in board.json");
    busy_ = 0;
    step_ = Step::first_reading;
    return pin_timer_->arm_ms(kSecondReadingMs);
  }
  if (now == "puk") return give_up("the SIM wants its PUK: unlock it in a telephone, nothing is entered here");
  if (!lost || away_ || (!was_ready_ && now != "failure")) return;
  away_ = true;  // since the first of these states, whichever follow
  lost_timer_->arm_ms(kLostMs);
}

void SimCare::give_up(std::string why) {
  step_ = Step::idle;
  if (why != trouble_) host_.warn(why);
  trouble_ = std::move(why);
}

void SimCare::ask(std::string command, std::vector<AtForm> forms, std::function<void(const AtResult&)> done) {
  AtExchange exchange;
  exchange.command = std::move(command);
  exchange.forms = std::move(forms);
  exchange.done = [this, round = round_, done = std::move(done)](const AtResult& r) {
    if (round == round_) done(r);
  };
  if (modem_.engine().submit(std::move(exchange)) == 0) give_up(modem_.engine().refusal());
}

void SimCare::second_reading() {
  if (!modem_.is_ready()) return;
  ask("AT+CPIN?", {{"+CPIN: *"}}, [this](const AtResult& r) {
    const std::string_view state =
        r.ok() ? readings::sim_state(r.line("+CPIN:")) : readings::sim_state_of_error(r.code);
    if (state == "pin" && step_ == Step::first_reading) return count_attempts();
    if (state == "pin" && step_ == Step::entered) {
      (void)kept_->set(entered_, kRefused);
      return give_up("the modem took the PIN, and the SIM wants it still: it is not entered again");
    }
    if (!state.empty()) asker_.set_sim(state);
  });
}

void SimCare::count_attempts() {
  step_ = Step::entering;
  count_attempts(modem_.features().lacks(Feature::pin_counter) ? kStandardCounter : kOwnCounter);
}

void SimCare::count_attempts(const Counter& counter) {
  ask(counter.command, {{counter.form, "", true}}, [this, &counter](const AtResult& r) {
    left_ = attempts_left(r, counter.secret);
    if (const auto left = left_) {
      if (*left >= kFewestAttempts) return identify();
      return give_up("the SIM has " + std::to_string(*left) + " attempts at its PIN left: none is used here");
    }
    const bool proved = &counter == &kOwnCounter && modem_.features().has(Feature::pin_counter);
    if (proved || !Features::is_refusal(r))
      return give_up("no PIN is entered: the modem does not say how many attempts are left" +
                     (r.text.empty() ? std::string() : " (" + r.text + ")"));
    if (&counter == &kOwnCounter) return count_attempts(kStandardCounter);
    identify();  // where the modem has no counter, the pair that is remembered has to do
  });
}

void SimCare::identify() {
  ask("AT+QCCID", {{"+QCCID: _"}}, [this](const AtResult& r) { enter(readings::iccid(r.line("+QCCID:"))); });
}

void SimCare::enter(const std::string& iccid) {
  if (!kept_) return give_up("no PIN is entered: this host keeps nothing, so it could be entered again and again");
  dtu::Sha256 hash;
  hash.update(iccid + "/" + config_.pin);
  const std::string key = "pin." + hash.hex().substr(0, 32);
  const std::string before = kept_->get(key).value_or("");
  const std::string left = left_ ? " " + std::to_string(*left_) : std::string();
  const bool unused = left_ && before == kTried + left;  // cut off before it reached the SIM, or it was right
  if (!before.empty() && before != kGood && !unused)
    return give_up(before == kRefused
                       ? "this PIN was tried on this SIM before and was not taken: correct \"pin\" in board.json"
                       : "this PIN was tried on this SIM before, and nobody knows whether it was taken: "
                         "correct \"pin\" in board.json, or enter it in a telephone");
  const bool kept = kept_->set(key, (unused ? kAgain : kTried) + left, [this, round = round_, key](dtu_status status) {
    if (round != round_) return;
    status == DTU_OK ? send_pin(key) : give_up("no PIN is entered: that it was cannot be kept on the disk");
  });
  if (!kept) give_up("no PIN is entered: that it was cannot be kept");
}

void SimCare::send_pin(const std::string& key) {
  AtExchange pin;
  pin.command = "AT+CPIN=\"" + config_.pin + "\"";
  pin.sim_busy_ms = 0;
  pin.done = [this, round = round_, key](const AtResult& r) {
    if (r.ok()) {
      entered_ = key;  // it is good when the SIM is ready; without a counter a cut until then would lock it out
      if (!left_) (void)kept_->set(key, kGood);
      if (round == round_ && pin_timer_) {
        step_ = Step::entered;
        pin_timer_->arm_ms(kTakenMs);
      }
      return asker_.news();
    }
    if (r.end == AtEnd::timeout || r.end == AtEnd::restarted || r.end == AtEnd::gone)
      return give_up("nobody knows whether the PIN of the SIM was taken (" + r.text + ")");
    if (r.end == AtEnd::cme && r.code == kCmeSimBusy) {  // it did not look at the PIN: all is asked anew
      (void)kept_->remove(key);
      if (round != round_ || !pin_timer_) return;
      if (++busy_ > kMostBusy) return give_up("no PIN is entered: " + r.text);
      step_ = Step::first_reading;
      return pin_timer_->arm_ms(kSecondReadingMs);
    }
    (void)kept_->set(key, kRefused);
    give_up("the PIN of the SIM was not taken (" + r.text + "): correct \"pin\" in board.json, it is not tried again");
  };
  if (modem_.engine().submit(std::move(pin)) == 0) {
    (void)kept_->remove(key);  // nothing was sent
    give_up(modem_.engine().refusal());
  }
}

// A SIM that was there and is gone comes back with the radio, often. A SIM that was pulled does not: it ends soon.
void SimCare::lost_look() {
  if (!modem_.is_ready() || toggles_ >= kMostToggles) return;
  ++toggles_;
  const std::string why = modem_.toggle_radio([](const AtResult&) {});
  host_.warn("the SIM is lost: " + (why.empty() ? std::string("switching the radio off and on") : why));
  lost_timer_->arm_ms(kLostMs << toggles_);
}

}  // namespace hal_ec600
