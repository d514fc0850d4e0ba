// Talks to an AT modem: one exchange at a time, the others wait in a bounded queue, and lines that come by themselves
// are told apart from answers by their form. No thread, no descriptor, no clock of its own: bytes come in by
// received(), go out by AtLine::write(), and AtLine::wake_in() makes somebody call tick(). [lane] throughout.
//
//   AtExchange ask{"AT+CSQ"};
//   ask.forms = {{"+CSQ: n,n"}};
//   ask.done = [this](const AtResult& r) {
//     if (r.ok()) use(r.line("+CSQ:")); else warn(r.text);
//   };
//   if (engine.submit(std::move(ask)) == 0) ...  // 64 wait already, or the modem is not there
//
// A transaction: within done() submit the next exchange with AtPlace::next. Nothing that waits comes in between.
//
// States:  closed --opened()--> unproved --prove()--> syncing --answer--> ready --time-out--> syncing
//          syncing --3 times no answer--> unproved, and AtListener::on_silent()
// In `unproved` only exchanges with `rescue` run, for who finds out what answers and revives it; then prove(). In
// `ready` all run. A time-out is followed by a synchronisation: commands whose answer cannot be that of another one, so
// that a late answer never completes an exchange it does not belong to (field-troubles A2).
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "at_exchange.hpp"
#include "at_reader.hpp"
#include "at_text.hpp"

namespace hal_ec600 {

// What the engine stands on.
class AtLine {
 public:
  virtual ~AtLine() = default;
  // Takes all of it, or the line is lost (the owner then calls lost(), not within this call).
  virtual void write(std::string_view bytes) = 0;
  [[nodiscard]] virtual int64_t now_ms() = 0;  // a clock that never goes back
  // tick() after so many ms. One call replaces the one before; 0: no more.
  virtual void wake_in(uint64_t ms) = 0;
};

class AtListener {
 public:
  virtual ~AtListener() = default;
  virtual void on_unknown(std::string_view line) = 0;  // came by itself, and no on_urc() is for it. Any bytes
  virtual void on_restart() = 0;                       // RDY: settings are gone. Exchanges have been ended already
  virtual void on_silent() = 0;                        // no answer: now `unproved`
  virtual void on_proved() = 0;                        // now `ready`
};

enum class AtPlace { last, next };

struct AtCounters {
  uint64_t exchanges = 0, timeouts = 0, restarts = 0;
  uint64_t unsolicited = 0;  // lines that came by themselves
  uint64_t late = 0;         // lines of answers whose exchange had timed out
  uint64_t strays = 0;       // OK, ERROR, > that belong to nothing
  uint64_t echoes = 0;       // more after ATE0: the modem forgot its settings
};

class AtEngine : private AtReader::Sink {
 public:
  static constexpr size_t kMostWaiting = 64;
  static constexpr size_t kLongestCommand = 1'024;  // bytes
  static constexpr size_t kMostLines = 512;
  static constexpr size_t kMostBytes = 64 * 1024;

  enum class State { closed, unproved, syncing, ready };

  AtEngine(AtLine& line, AtListener& listener);
  AtEngine(const AtEngine&) = delete;
  AtEngine& operator=(const AtEngine&) = delete;

  // Its id, or 0: refused, done() is never called. Refused is a command that is too long or not printable, one more
  // than kMostWaiting, and all but rescue in `closed` and `unproved`: refusal() says it in words.
  [[nodiscard]] uint64_t submit(AtExchange exchange, AtPlace place = AtPlace::last);
  [[nodiscard]] std::string refusal() const;
  // Its done() is not called any more. One that was sent already runs to its end.
  void cancel(uint64_t id);

  // Lines that begin so and are no answer, for `handler`. Several may ask for one prefix; all are called. follower: the
  // next line belongs to it ("+CMT:"), and comes as the second argument.
  using UrcHandler = std::function<void(std::string_view line, std::string_view follower)>;
  void on_urc(std::string prefix, UrcHandler handler, bool follower = false);

  void opened();                      // closed -> unproved
  void lost(const std::string& why);  // -> closed; all exchanges end with AtEnd::gone
  void prove();                       // unproved -> syncing
  void received(std::string_view bytes);
  void tick();

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool idle() const noexcept { return !active_ && waiting_.empty(); }
  [[nodiscard]] size_t waiting() const noexcept { return waiting_.size(); }
  [[nodiscard]] std::string busy_with() const;  // name of the command under way ("AT+COPS"), "" when none is
  [[nodiscard]] uint32_t busy_ms();             // until its time-out
  [[nodiscard]] uint32_t held_ms();             // since it was sent
  [[nodiscard]] const AtCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] uint64_t lost_bytes() const noexcept { return reader_.lost_bytes(); }

 private:
  struct Job {
    uint64_t id = 0;
    AtExchange ask;
    int64_t not_before_ms = 0;  // SIM busy: when it is asked again
    int64_t give_up_ms = 0;     // SIM busy: until when; 0: it was not
  };
  struct Active {
    Active(Job asked, int64_t now_ms, int64_t until_ms)
        : job(std::move(asked)), since_ms(now_ms), deadline_ms(until_ms) {}
    Job job;
    AtResult result;
    int64_t since_ms, deadline_ms;
    size_t bytes = 0;      // of its lines
    std::string follower;  // form of the line that has to come next
    bool prompted = false, counting = false, echoed = false;
  };
  struct Urc {
    std::string prefix;
    UrcHandler handler;
    bool follower;
  };

  void on_line(std::string_view line) override;
  void on_prompt() override;
  void on_data(std::string_view bytes) override;

  [[nodiscard]] bool is_answer(std::string_view line);
  [[nodiscard]] bool take_final(std::string_view line);
  [[nodiscard]] bool take_echo(std::string_view line);
  [[nodiscard]] bool lacks_lines() const;
  void keep(std::string_view line);
  void unsolicited(std::string_view line);
  void restarted();
  void finish(AtEnd end, std::string_view final, const AtError& error = {-1, {}});
  void finish(AtEnd end, std::string text);
  bool ask_again(int code);
  void end_all(AtEnd end, const std::string& text);
  void pump();
  void send(Job job);
  void time_out();
  void abandon(const std::string& text);
  void sync();
  void sync_line(std::string_view line);
  void wake();

  AtLine& line_;
  AtListener& listener_;
  AtReader reader_;
  State state_ = State::closed;
  std::optional<Active> active_;
  std::deque<Job> waiting_;
  std::deque<Urc> urcs_;            // a handler may add one
  std::string urc_line_;            // a line whose follower has to come
  std::vector<AtForm> late_forms_;  // of the exchange that timed out
  size_t sync_try_ = 0;
  bool sync_seen_ = false, receiving_ = false;
  bool tell_proved_ = false;  // after prove() and a restart, not after each time-out
  int64_t sync_deadline_ms_ = 0;
  uint64_t last_id_ = 0;
  AtCounters counters_;
};

}  // namespace hal_ec600
