// A simulated EC600: bytes of the host in, bytes for the host out, time given from outside. Knows no pseudo terminal.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer.hpp"
#include "call.hpp"
#include "profile.hpp"
#include "state.hpp"
#include "wire.hpp"

namespace sim::modem {

enum class Power { on, starting, off };

// Instead of what the module would do with a command.
struct Override {
  std::string command;                // as the host writes it; with * at its end: whatever begins so
  std::optional<std::string> answer;  // raw bytes; "" is silence
  int64_t delay_ms = 0;
  int64_t times = -1;  // how often; -1: always
};

// Whether an Override or a condition written so is about this line, or about one of the commands in it.
[[nodiscard]] bool command_matches(std::string_view pattern, std::string_view line);

struct Counts {
  uint64_t commands = 0;
  uint64_t errors = 0;
  uint64_t urcs = 0;
  uint64_t urcs_elsewhere = 0;  // went to another port (AT+QURCCFG)
  uint64_t ignored_bytes = 0;   // from the host while the module was off, starting or hung
  uint64_t restarts = 0;
};

class Modem {
 public:
  // One command line, or the data after a prompt, may be so long.
  static constexpr size_t kMostLine = 4096;
  static constexpr size_t kMostWaitingLines = 64;

  struct Hooks {
    std::function<void(const std::string& line)> before_answer;
    std::function<void(const std::string& line)> after_answer;
    std::function<void(char direction, std::string_view text)> trace;  // '<' from the host, '>' to it, '*' what happens
    std::function<void(bool here)> on_bus;  // the USB device goes and comes back at a restart that says so
  };

  Modem(const Profile& profile, uint32_t seed, Hooks hooks);

  // --- the line
  void receive(std::string_view bytes);
  // Does what is due. Times never go back.
  void advance(int64_t now_ms);
  // When advance() has something to do; INT64_MAX: never, until the host sends. See Wire::due_ms() for the output.
  [[nodiscard]] int64_t due_ms() const;
  [[nodiscard]] Wire& wire() { return wire_; }
  // What arrived for open sockets is taken in and announced.
  void read_sockets();

  // --- for commands and scripts
  [[nodiscard]] State& state() { return state_; }
  [[nodiscard]] Settings& settings() { return state_.settings; }
  [[nodiscard]] const Profile& profile() const { return profile_; }
  [[nodiscard]] int64_t now_ms() const { return now_ms_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  // An unsolicited line, to this port if AT+QURCCFG says so.
  void urc(std::string_view line);
  void send_raw(std::string_view bytes);
  void note(std::string_view text);  // for the trace only
  // Forgotten at a restart.
  void later(int64_t ms, std::function<void(Modem&)> act);
  // The host's next bytes are data: `count` of them, or up to 0x1A when 0. `done` gets them; `aborted` after ESC.
  struct Data {
    size_t count = 0;
    std::string bytes;
    std::function<void(Modem&, const std::string& bytes, bool aborted)> done;
  };
  void take_data(size_t count, std::function<void(Modem&, const std::string& bytes, bool aborted)> done);
  void finish(Answer answer);  // the answer that a command with data owes
  void override_command(Override what);
  void clear_overrides(std::string_view command);

  // No unsolicited lines: what a script sets at the start was so before the host came.
  void mute(bool on) { muted_ = on; }

  [[nodiscard]] Power power() const { return power_; }
  void power_off();
  // Off, and on again after start_ms: settings at their defaults, and the lines a start prints.
  void restart(bool leave_bus);
  void power_on();
  void hang(int64_t until_ms) { hung_until_ms_ = until_ms; }
  void set_start_ms(int64_t ms) { start_ms_ = ms; }
  [[nodiscard]] int64_t start_ms() const { return start_ms_; }
  // Runs in place of the start's lines once: an update of the firmware.
  void at_next_start(std::function<void(Modem&)> act) { at_start_ = std::move(act); }
  // The rate the host has set on the line.
  void set_line_rate(int64_t baud) { line_rate_ = baud; }

 private:
  [[nodiscard]] bool listens() const { return power_ == Power::on && now_ms_ >= hung_until_ms_; }
  void take_byte(char c);
  void take_line(std::string line);
  void run_line(const std::string& line);
  void run_call(const Call& call, Answer& answer);
  void run_calls(std::string_view line, Answer& answer);
  void run_each(std::string_view line, Answer& answer);
  void deliver(const std::string& line, Answer answer);
  void print(const Answer& answer);
  void send(std::string_view bytes);
  void check_rate();
  void started();
  void reset();
  [[nodiscard]] Override* find_override(std::string_view line);

  const Profile& profile_;
  Hooks hooks_;
  Wire wire_;
  State state_;
  Counts counts_;
  Power power_ = Power::on;
  int64_t now_ms_ = 0;
  int64_t start_ms_ = 500;
  int64_t hung_until_ms_ = 0;
  int64_t line_rate_ = 0;
  std::function<void(Modem&)> at_start_;
  std::multimap<int64_t, std::function<void(Modem&)>> tasks_;
  std::vector<Override> overrides_;
  std::string line_;
  bool muted_ = false;
  bool too_long_ = false;
  bool busy_ = false;  // a command was not answered yet; the next lines wait
  std::string busy_with_;
  std::deque<std::string> waiting_lines_;
  std::optional<Data> data_;
};

// What a start of the module prints, in its order and with its pauses; restores the network.
void say_boot(Modem&);

}  // namespace sim::modem
