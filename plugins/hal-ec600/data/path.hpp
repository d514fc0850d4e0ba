// The data path over the modem as a machine that only decides: what to do next, and whether the path is believed. Pure:
// the caller brings time, counters and results, and carries out one action at a time. [lane]
//
//   no_modem --answers--> searching --registered--> working --up--> unproved --traffic--> proved
//       ^                     ^                        |               |                     |
//       +---- gone (any) -----+---- not registered ----+    failure: waiting, then the next try, or the next level
//
// An address and a route prove nothing: the path is believed by bytes that came in, or by the probe (field-troubles
// A7). Levels: interface -> context -> registration -> radio. Each is tried kTries times before the next. While the
// modem is not registered nothing is reset, because a missing signal is no fault of the modem.
#pragma once
#include <dtu/kit/net/backoff.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <string>

namespace hal_ec600::data {

enum class Action { none, down, deactivate, register_again, toggle_radio, activate, up, probe };
enum class State { no_modem, searching, working, waiting, unproved, proved, detached };
enum class Level { interface, context, registration, radio };
constexpr size_t kLevels = 4;

[[nodiscard]] const char* name_of(State state);
[[nodiscard]] const char* name_of(Level level);

struct Limits {
  int64_t proof_ms = 120'000;  // so long may more than kSaid go out while nothing comes in. 0: silence is no failure
  int64_t probe_ms = 300'000;  // between two probes, when nothing came in meanwhile
  bool has_probe = false;      // then the first proof is the probe's alone: a modem answers DHCP by itself
  bool has_context = true;     // false: PPP brings up the context by itself
  uint32_t wait_min_ms = 5'000, wait_max_ms = 600'000;
};

struct Seen {
  bool modem = false;       // it answers
  bool registered = false;  // home or roaming
  bool link = false;        // the interface is there
  bool wanted = true;       // false: somebody detached
  bool may_toggle = true;   // something is left of the day's budget for CFUN
  uint64_t rx = 0, tx = 0;  // bytes, of the interface
};

class Path {
 public:
  static constexpr std::array<unsigned, kLevels> kTries{3, 2, 2, 1};
  static constexpr uint64_t kHeard = 256, kSaid = 1024;  // bytes: less may be ARP and router solicitations
  static constexpr unsigned kProbes = 3;                 // in a row, before a failure is believed
  static constexpr int64_t kProbeAgain_ms = 10'000;

  explicit Path(const Limits& limits, net::Backoff::Random random = net::random_fraction);

  // What is to be begun now; done() says how it went. none: nothing now, ask again when something changed or in a
  // second.
  [[nodiscard]] Action next(int64_t now_ms, const Seen& seen);
  void done(int64_t now_ms, bool ok, const std::string& why);
  void dropped(int64_t now_ms, const std::string& why);  // the network ended the context
  void changed(int64_t now_ms);                          // another access point is set: begin anew, nothing has failed

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] Level level() const { return level_; }
  [[nodiscard]] const std::string& why() const { return why_; }  // of the last failure; "" since it was proved
  [[nodiscard]] int64_t since_ms() const { return since_ms_; }
  [[nodiscard]] uint64_t failures() const { return failures_; }
  [[nodiscard]] uint64_t proofs() const { return proofs_; }  // how often it became proved
  [[nodiscard]] uint64_t begun(Level level) const { return begun_.at(static_cast<size_t>(level)); }

 private:
  void enter(State state, int64_t now_ms);
  void plan(Level level);
  void fail(int64_t now_ms, const std::string& why);
  void proved(int64_t now_ms);
  void rebase(int64_t now_ms, const Seen& seen);
  Action watch(int64_t now_ms, const Seen& seen);

  const Limits limits_;
  net::Backoff backoff_;
  State state_ = State::no_modem;
  Level level_ = Level::interface;
  unsigned tries_ = 0, probe_failures_ = 0;
  std::deque<Action> plan_;
  Action busy_ = Action::none;
  bool up_ = false;
  std::string why_;
  int64_t since_ms_ = 0, not_before_ms_ = 0;
  int64_t base_ms_ = 0, probe_due_ms_ = 0;  // of the window that is watched
  uint64_t base_rx_ = 0, base_tx_ = 0;
  uint64_t failures_ = 0, proofs_ = 0;
  std::array<uint64_t, kLevels> begun_{};
};

}  // namespace hal_ec600::data
