// The modem as a whole: its port, its engine, its start, and its recovery. What is built on it (points, SMS, firmware,
// data) adds itself by on_ready() and on_unready() and talks through engine(). [lane]
//
//   absent --port opened--> confirming --AT/OK twice--> starting --settings sent, features known--> ready
//   ready, starting --RDY--> starting            ready, starting, confirming --silence--> recovering --OK--> starting
//   any --port gone--> absent
//
// The settings (ATE0, CMEE, CREG, ...) are sent again after every RDY, reset and re-plug (field-troubles A9). Never
// written: usbcfg, usbnet, IPR, &W, &F (A14).
#pragma once
#include <dtu/sdk/calls.hpp>
#include <dtu/sdk/host.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "at_engine.hpp"
#include "at_port.hpp"
#include "config.hpp"
#include "features.hpp"

#include "recovery_ladder.hpp"
#include "wear_budget.hpp"

namespace hal_ec600 {

class Modem : private AtLine, private AtListener, private AtPort::Owner {
 public:
  enum class Phase { absent, confirming, starting, ready, recovering };

  using MakePort = std::function<std::unique_ptr<AtPort>(AtPort::Owner&)>;
  Modem(dtu::Host host, const Config& config, const MakePort& make_port);
  void start();
  void stop();

  [[nodiscard]] AtEngine& engine() noexcept { return engine_; }
  [[nodiscard]] const AtEngine& engine() const noexcept { return engine_; }
  [[nodiscard]] Features& features() noexcept { return features_; }
  [[nodiscard]] WearBudget& budget() noexcept { return budget_; }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  [[nodiscard]] bool is_ready() const noexcept { return phase_ == Phase::ready; }
  [[nodiscard]] const char* phase_name() const;
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }  // "" while ready

  // Before start(). Called in the order added: ready after each start, restart and return of the modem; unready when it
  // is lost, silent or restarting, once for each ready.
  void on_ready(std::function<void()> fn) { on_ready_.push_back(std::move(fn)); }
  void on_unready(std::function<void()> fn) { on_unready_.push_back(std::move(fn)); }
  // A command that belongs to the settings ("AT+CNMI=2,1,0,0,0"). Refused by a variant that lacks it: noted in health.
  void add_setting(std::string command) { settings_.push_back(std::move(command)); }
  // A line that nobody knows; also while it is not ready.
  void on_unknown_line(std::function<void(std::string_view)> fn) { unknown_ = std::move(fn); }
  // Says whether the network is being searched: then nothing resets the modem (A7). No signal is no fault of the modem.
  void searching_by(std::function<bool()> fn) { searching_ = std::move(fn); }
  // Says whether its firmware is being written: then it may be silent for minutes, and nothing resets it.
  void kept_off_by(std::function<bool()> fn) { kept_off_ = std::move(fn); }

  // Wears the modem by one. "": it was begun; done() says how it went, also when the modem comes back. Else why not:
  // it searches the network, nothing is left of the day's budget, or it is not ready.
  using Done = std::function<void(const AtResult&)>;
  [[nodiscard]] std::string toggle_radio(const Done& done);  // CFUN=0, CFUN=1
  [[nodiscard]] std::string restart(const Done& done,
                                    bool forced = false);  // CFUN=1,1; forced: by a person, also while searching

  struct Status {
    std::string state, device, model, urc_port, trouble, last_rung;
    uint32_t steps = 0, wear_today = 0, recoveries = 0;
    uint64_t losses = 0;
    std::vector<std::string> refused;  // settings
  };
  [[nodiscard]] Status status();

 private:
  // AtLine
  void write(std::string_view bytes) override { tty_->write(bytes); }
  int64_t now_ms() override;
  void wake_in(uint64_t ms) override;
  // AtListener
  void on_unknown(std::string_view line) override;
  void on_restart() override;
  void on_silent() override;
  void on_proved() override;
  // AtPort::Owner
  void tty_opened() override;
  void tty_lost(const std::string& why) override;
  void tty_absent(const std::string& why) override;
  void tty_bytes(std::string_view bytes) override;

  void enter(Phase phase, std::string trouble);
  void leave_ready();
  void rescue(std::string command, uint32_t timeout_ms, const Done& done);
  void confirm();
  void recover();
  void fall_silent(std::string trouble);
  void fail_recovery();
  void climb(RecoveryLadder::Rung rung);
  void set_reset(bool active, std::function<void()> then);
  void next_setting(size_t index);
  void ask_model();
  void ask_urc_port();
  void next_feature();
  void switch_gnss_on();
  void become_ready();
  [[nodiscard]] std::string why_not_wear(bool forced);
  void ask(AtExchange exchange, const Done& done);  // its answer is left alone when the phase has changed
  void after(uint64_t ms, std::function<void()> then);

  dtu::Host host_;
  const Config& config_;
  std::unique_ptr<AtPort> tty_;
  AtEngine engine_;
  Features features_;
  WearBudget budget_;
  RecoveryLadder ladder_;
  std::optional<dtu::Timer> wake_, later_;
  std::function<void()> then_;  // what later_ does
  dtu::Call reset_call_;
  std::vector<std::function<void()>> on_ready_, on_unready_;
  std::function<void(std::string_view)> unknown_;
  std::function<bool()> searching_, kept_off_;
  std::vector<std::string> settings_, refused_;
  Phase phase_ = Phase::absent;
  std::string trouble_ = "the AT port was not opened yet", urc_port_, last_rung_;
  uint64_t echoes_ = 0;  // counted until it was ready
  uint64_t age_ = 0;     // of the phase: answers to what an earlier one asked are left alone
  uint32_t oks_ = 0, tries_ = 0, recoveries_ = 0;
  bool told_ready_ = false, answered_ = false, always_echoes_ = false;
};

}  // namespace hal_ec600
