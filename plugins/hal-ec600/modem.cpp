#include "modem.hpp"

#include <array>

namespace hal_ec600 {
namespace {

constexpr uint32_t kProbeMs = 1'000, kProbes = 3, kOks = 2;
constexpr uint32_t kRadioMs = 15'000, kRestartMs = 20'000;  // until RDY should have come
constexpr uint64_t kResetPulseMs = 500, kQueueFullMs = 500, kKeptOffMs = 30'000;
constexpr int64_t kNsPerMs = 1'000'000;

// The model's own order; what a variant refuses is noted and left out. &D0: a dropped DTR must not end anything.
constexpr std::array kSettings{"ATE0", "AT+CMEE=1", "AT&D0", "AT+CREG=2", "AT+CGREG=2", "AT+CEREG=2"};
constexpr std::array kPhaseNames{"absent", "confirming", "starting", "ready", "recovering"};

}  // namespace

Modem::Modem(dtu::Host host, const Config& config, const MakePort& make_port)
    : host_(host), config_(config), tty_(make_port(*this)), engine_(*this, *this), budget_(host) {
  settings_.assign(kSettings.begin(), kSettings.end());
}

void Modem::start() {
  wake_.emplace(host_, [this] { engine_.tick(); });
  later_.emplace(host_, [this] {
    const auto then = std::exchange(then_, nullptr);
    if (then) then();
  });
  tty_->start();
}

void Modem::stop() {
  ++age_;
  tty_->stop();
  engine_.lost("the modem's HAL was stopped");
  leave_ready();
  reset_call_.cancel();
  later_.reset();
  wake_.reset();
  phase_ = Phase::absent;
}

const char* Modem::phase_name() const { return kPhaseNames.at(static_cast<size_t>(phase_)); }

int64_t Modem::now_ms() { return host_.monotonic_ns() / kNsPerMs; }

void Modem::wake_in(uint64_t ms) {
  if (!wake_) return;
  ms == 0 ? wake_->disarm() : wake_->arm_ms(ms);
}

void Modem::enter(Phase phase, std::string trouble) {
  ++age_;
  if (later_) later_->disarm();
  then_ = nullptr;
  phase_ = phase;
  trouble_ = std::move(trouble);
  if (phase != Phase::ready) leave_ready();
}

void Modem::leave_ready() {
  if (!std::exchange(told_ready_, false)) return;
  for (const auto& fn : on_unready_) fn();
}

void Modem::after(uint64_t ms, std::function<void()> then) {
  then_ = std::move(then);
  if (later_) later_->arm_ms(ms);
}

// ---- the port

void Modem::tty_opened() {
  answered_ = false;
  engine_.opened();
  enter(Phase::confirming, tty_->device() + " does not answer AT yet");
  oks_ = tries_ = 0;
  confirm();
}

void Modem::tty_lost(const std::string& why) {
  enter(Phase::absent, why);
  engine_.lost(why);
  host_.report(DTU_STATE_DOWN, DTU_E_IO, why);
}

void Modem::tty_absent(const std::string& why) {
  trouble_ = why;
  host_.report(DTU_STATE_DOWN, DTU_E_IO, why);
}

void Modem::tty_bytes(std::string_view bytes) {
  engine_.received(bytes);
  if (phase_ != Phase::ready || always_echoes_ || engine_.counters().echoes == echoes_) return;
  enter(Phase::starting, "the modem echoes again: it restarted unseen, and its settings are gone");
  next_setting(0);
}

// ---- exchanges of its own

void Modem::ask(AtExchange exchange, const Done& done) {
  const auto same_phase = [this, age = age_, done](const AtResult& r) {
    if (age == age_) done(r);
  };
  AtExchange again = exchange;
  exchange.done = same_phase;
  if (engine_.submit(std::move(exchange), AtPlace::next) != 0) return;
  after(kQueueFullMs, [this, again = std::move(again), done] { ask(again, done); });
}

void Modem::rescue(std::string command, uint32_t timeout_ms, const Done& done) {
  AtExchange ask_for;
  ask_for.command = std::move(command);
  ask_for.timeout_ms = timeout_ms;
  ask_for.sim_busy_ms = 0;
  ask_for.rescue = true;
  ask(std::move(ask_for), done);
}

// AT, until it was answered by OK twice: a port that sends lines of its own is not yet the AT port (A5).
void Modem::confirm() {
  rescue("AT", kProbeMs, [this](const AtResult& r) {
    if (r.ok() && ++oks_ < kOks) return confirm();
    if (r.ok()) {
      answered_ = true;
      return engine_.prove();
    }
    oks_ = 0;
    if (++tries_ < kProbes) return confirm();
    fail_recovery();
  });
}

// ---- silence

void Modem::on_silent() {
  fall_silent(tty_->device() + ": the modem does not answer");
  ++recoveries_;
  recover();
}

// Another program on the port takes the answers away (A15).
void Modem::fall_silent(std::string trouble) {
  if (const std::string others = tty_->others(); !others.empty())
    trouble += "; held by " + others + " as well: stop it";
  enter(Phase::recovering, std::move(trouble));
  host_.report(DTU_STATE_DOWN, DTU_E_IO, trouble_);
}

void Modem::fail_recovery() {
  if (phase_ != Phase::recovering)
    fall_silent(tty_->device() +
                " does not answer AT: check the power of the modem, its speed, and that this is its AT port");
  after(ladder_.pause_ms(), [this] { recover(); });
}

void Modem::recover() {
  if (kept_off_ && kept_off_()) {
    last_rung_ = "none: its firmware is being written";
    oks_ = tries_ = 0;
    return after(kKeptOffMs, [this] { confirm(); });
  }
  const bool left = budget_.used() < WearBudget::kPerDay;
  // A port that never answered may be another program's idea of a port: nothing is switched by guess there.
  const RecoveryLadder::Allowed allowed{answered_ && left, answered_ && left, left && !config_.reset_point.empty()};
  const RecoveryLadder::Rung rung = ladder_.next(allowed);
  last_rung_ = RecoveryLadder::name(rung);
  if (rung >= RecoveryLadder::Rung::radio) {
    (void)budget_.spend();
    host_.warn(trouble_ + "; trying " + last_rung_ + " (" + std::to_string(budget_.used()) + " of " +
               std::to_string(WearBudget::kPerDay) + " today)");
  }
  oks_ = tries_ = 0;
  climb(rung);
}

void Modem::climb(RecoveryLadder::Rung rung) {
  using Rung = RecoveryLadder::Rung;
  const auto look = [this](const AtResult&) { confirm(); };
  const auto wait = [this](const AtResult&) { after(kRestartMs, [this] { confirm(); }); };
  switch (rung) {
    case Rung::flush:
      tty_->flush();
      tty_->write("\x1b\r");  // it may wait for the rest of a text
      return confirm();
    case Rung::echo:
      return rescue("ATE0", kProbeMs, look);
    case Rung::radio:
      return rescue("AT+CFUN=0", kRadioMs, [this, look](const AtResult&) { rescue("AT+CFUN=1", kRadioMs, look); });
    case Rung::restart:
      return rescue("AT+CFUN=1,1", kRadioMs, wait);
    case Rung::reset_line:
      return set_reset(true, [this] {
        after(kResetPulseMs, [this] { set_reset(false, [this] { after(kRestartMs, [this] { confirm(); }); }); });
      });
  }
}

void Modem::set_reset(bool active, std::function<void()> then) {
  const char* level = active == config_.reset_level ? "1" : "0";
  reset_call_ = dtu::write_point(host_, config_.reset_point, level,
                                 [this, age = age_, then = std::move(then)](const dtu::Answer& a) {
                                   if (age != age_) return;
                                   if (!a.ok())
                                     host_.warn("the reset line " + config_.reset_point + ": " + std::string(a.error));
                                   then();
                                 });
  if (reset_call_) return;
  host_.warn("the reset line " + config_.reset_point + ": " + reset_call_.error());
  fail_recovery();
}

// ---- the start

void Modem::on_restart() {
  enter(Phase::starting, "the modem restarts");
  answered_ = true;
}

void Modem::on_proved() {
  enter(Phase::starting, "the settings are being sent");
  answered_ = true;
  refused_.clear();
  features_.ask_again_what_was_silent();
  next_setting(0);
}

void Modem::next_setting(size_t index) {
  if (index == settings_.size()) return ask_model();
  AtExchange setting;
  setting.command = settings_[index];
  ask(std::move(setting), [this, index](const AtResult& r) {
    if (!r.ok()) refused_.push_back(r.text);
    if (index == 0) echoes_ = engine_.counters().echoes;  // of ATE0 itself
    next_setting(index + 1);
  });
}

void Modem::ask_model() {
  AtExchange model;
  model.command = "AT+CGMM";
  model.forms = {{"~"}};
  ask(std::move(model), [this](const AtResult& r) {
    if (!r.lines.empty()) features_.set_model(r.lines.back().substr(0, 32));
    next_feature();
  });
}

void Modem::next_feature() {
  const Features::Test* test = features_.next_test();
  if (test == nullptr) return features_.has(Feature::urc_port) ? ask_urc_port() : switch_gnss_on();
  AtExchange question;
  question.command = test->command;
  question.forms = {{test->form, "", true}};
  question.sim_busy_ms = 0;
  ask(std::move(question), [this, feature = test->feature](const AtResult& r) {
    features_.tested(feature, r);
    next_feature();
  });
}

void Modem::ask_urc_port() {
  AtExchange question;
  question.command = "AT+QURCCFG=\"urcport\"";
  question.forms = {{"+QURCCFG: t,t"}};
  ask(std::move(question), [this](const AtResult& r) {
    urc_port_ = at_text(at_fields(r.line("+QURCCFG:")), 1);
    if (config_.urc_port.empty() || config_.urc_port == urc_port_) return switch_gnss_on();
    AtExchange set;
    set.command = "AT+QURCCFG=\"urcport\",\"" + config_.urc_port + "\"";
    ask(std::move(set), [this](const AtResult& done) {
      done.ok() ? urc_port_ = config_.urc_port, void() : refused_.push_back(done.text);
      switch_gnss_on();
    });
  });
}

void Modem::switch_gnss_on() {
  if (!config_.gnss || !features_.has(Feature::gnss)) return become_ready();
  AtExchange on;
  on.command = "AT+QGPS=1";
  constexpr int kOnAlready = 504;
  ask(std::move(on), [this](const AtResult& r) {
    if (!r.ok() && r.code != kOnAlready) refused_.push_back(r.text);
    become_ready();
  });
}

void Modem::become_ready() {
  enter(Phase::ready, {});
  ladder_.recovered();
  always_echoes_ = engine_.counters().echoes != echoes_;  // in spite of ATE0
  echoes_ = engine_.counters().echoes;
  told_ready_ = true;
  host_.report(DTU_STATE_UP);
  for (const auto& fn : on_ready_) fn();
}

// ---- what wears it

std::string Modem::why_not_wear(bool forced) {
  if (phase_ != Phase::ready) return "the modem is not ready: " + trouble_;
  if (kept_off_ && kept_off_()) return "the firmware of the modem is being written";
  if (!forced && searching_ && searching_()) return "the modem searches the network: a reset would not help";
  if (!budget_.spend())
    return "the modem was reset or switched " + std::to_string(WearBudget::kPerDay) +
           " times today, which is what its flash stands";
  return {};
}

std::string Modem::toggle_radio(const Done& done) {
  if (std::string why = why_not_wear(false); !why.empty()) return why;
  AtExchange off;
  off.command = "AT+CFUN=0";
  ask(std::move(off), [this, done](const AtResult&) {
    AtExchange on;
    on.command = "AT+CFUN=1";
    ask(std::move(on), done);
  });
  return {};
}

std::string Modem::restart(const Done& done, bool forced) {
  if (std::string why = why_not_wear(forced); !why.empty()) return why;
  AtExchange reset;
  reset.command = "AT+CFUN=1,1";
  reset.done = [this, age = age_, done](const AtResult& r) {
    done(r);  // also when RDY came before its OK
    if (!r.ok() || age != age_) return;
    engine_.opened();
    enter(Phase::confirming, "the modem restarts");
    oks_ = tries_ = 0;
    after(kRestartMs, [this] { confirm(); });  // RDY may have gone to another port
  };
  if (engine_.submit(std::move(reset), AtPlace::next) == 0) return engine_.refusal();
  return {};
}

void Modem::on_unknown(std::string_view line) {
  if (unknown_) unknown_(line);
}

Modem::Status Modem::status() {
  return {phase_name(),    tty_->device(), features_.model(), urc_port_,      trouble_, last_rung_,
          ladder_.steps(), budget_.used(), recoveries_,       tty_->losses(), refused_};
}

}  // namespace hal_ec600
