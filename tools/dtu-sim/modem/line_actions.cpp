// Actions on the line and the power: what goes wrong with them.
#include <algorithm>
#include <limits>

#include "script.hpp"
#include "simulation.hpp"

namespace sim::modem {
namespace {

constexpr int64_t kMost = 1'000'000'000;
constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();

Act parse_urc(Words& words) {
  const std::string text = words.text("a line such as \"+CEREG: 2\"");
  return [text](Simulation& s) { s.modem().urc(text); };
}

Act parse_send(Words& words) {
  const std::string bytes = words.text("bytes in quotes");
  return [bytes](Simulation& s) { s.modem().send_raw(bytes); };
}

// `{n}` in the text is the number of the line.
void storm(Simulation& s, int64_t done, int64_t count, const std::string& text, int64_t per_second) {
  constexpr size_t kFull = 128 * 1024;
  constexpr int64_t kAtOnce = 200;
  constexpr int64_t kStepMs = 2;
  constexpr int64_t kMs = 1000;
  const int64_t room = s.modem().wire().waiting() > kFull ? 0 : kAtOnce;
  const int64_t now =
      std::min({count - done, room, per_second == 0 ? kMost : std::max<int64_t>(1, per_second * kStepMs / kMs)});
  for (int64_t i = 0; i < now; ++i) {
    std::string line = text;
    if (const size_t at = line.find("{n}"); at != std::string::npos) line.replace(at, 3, std::to_string(done + i + 1));
    s.modem().urc(line);
  }
  done += now;
  if (done >= count) return;
  const int64_t pause = per_second > 0 && per_second * kStepMs < kMs ? kMs / per_second : kStepMs;
  s.later(pause, [=](Simulation& later) { storm(later, done, count, text, per_second); });
}

Act parse_storm(Words& words) {
  const int64_t count = words.number("a count of lines", 1, kMost);
  const std::string text = words.text("a line such as \"+QIND: \\\"x\\\",{n}\"");
  const int64_t per_second = words.more() ? words.number("lines a second", 1, 1'000'000) : 0;
  return [=](Simulation& s) { storm(s, 0, count, text, per_second); };
}

Act parse_flood(Words& words) {
  const auto count = static_cast<size_t>(words.number("a count of bytes", 1, 16'000'000));
  return [count](Simulation& s) { s.modem().send_raw(std::string(count, 'x')); };
}

Act parse_answer(Words& words) {
  const std::string command = words.command();
  if (words.take("normal")) return [command](Simulation& s) { s.modem().clear_overrides(command); };
  const std::string text = words.text("normal or bytes in quotes");
  const int64_t times = words.more() ? words.number("how often", 1, kMost) : -1;
  return [=](Simulation& s) { s.modem().override_command({command, text, 0, times}); };
}

Act parse_prompt(Words& words) {
  const std::string text = words.take("normal") ? State().prompt : words.text("normal or bytes in quotes");
  return [text](Simulation& s) { s.modem().state().prompt = text; };
}

Act parse_delay(Words& words) {
  const std::string command = words.command();
  const int64_t ms = words.number("milliseconds", 0, kMost);
  const int64_t times = words.more() ? words.number("how often", 1, kMost) : -1;
  return [=](Simulation& s) { s.modem().override_command({command, std::nullopt, ms, times}); };
}

Act parse_hang(Words& words) {
  if (!words.more()) return [](Simulation& s) { s.modem().hang(kForEver); };
  if (!words.next_is("*") && !words.next_is("off")) {
    // A time, or a command that is never answered.
    const std::string word = words.text("a time or a command");
    if (word.rfind("AT", 0) == 0) return [word](Simulation& s) { s.modem().override_command({word, "", 0, -1}); };
    Words time({word});
    const int64_t ms = time.seconds_as_ms("off, a command such as AT+CSQ, or a time");
    return [ms](Simulation& s) { s.modem().hang(s.modem().now_ms() + ms); };
  }
  words.one_of({"off"});
  return [](Simulation& s) { s.modem().hang(0); };
}

Act parse_lose(Words& words) {
  const auto count = static_cast<uint64_t>(words.number("a count of bytes", 1, kMost));
  return [count](Simulation& s) { s.modem().wire().faults().lose += count; };
}

Act parse_garbage(Words& words) {
  const auto count = static_cast<size_t>(words.number("a count of bytes", 1, 1'000'000));
  return [count](Simulation& s) { s.modem().wire().send_garbage(count); };
}

Act parse_double(Words& words) {
  if (words.take("off")) return [](Simulation& s) { s.modem().wire().faults().double_lines = 0; };
  const auto count = static_cast<uint64_t>(words.more() ? words.number("off or a count of lines", 1, kMost) : kMost);
  return [count](Simulation& s) { s.modem().wire().faults().double_lines = count; };
}

Act parse_split(Words& words) {
  if (words.take("off")) return [](Simulation& s) { s.modem().wire().faults().piece = 0; };
  const auto bytes = static_cast<size_t>(words.number("off or a count of bytes", 1, 65536));
  const int64_t pause = words.more() ? words.number("milliseconds between two pieces", 0, 60'000) : 5;
  return [=](Simulation& s) {
    s.modem().wire().faults().piece = bytes;
    s.modem().wire().faults().pause_ms = pause;
  };
}

Act parse_baud(Words& words) {
  const int64_t rate = words.take("auto") ? 0 : words.number("auto or a rate", 300, 4'000'000);
  return [rate](Simulation& s) { s.modem().settings().rate = rate; };
}

Act parse_reboot(Words& words) {
  const bool leaves = words.take("usb");
  return [leaves](Simulation& s) { s.modem().restart(leaves); };
}

Act parse_power(Words& words) {
  const bool on = words.one_of({"off", "on"}) == "on";
  return [on](Simulation& s) { on ? s.modem().power_on() : s.modem().power_off(); };
}

Act parse_start_time(Words& words) {
  const int64_t ms = words.seconds_as_ms("a time from power to RDY");
  return [ms](Simulation& s) { s.modem().set_start_ms(ms); };
}

void plug(Simulation& s, const std::string& path) {
  s.modem().note("plugged in " + path);
  if (s.host().plug) s.host().plug(path);
}

Act parse_unplug(Words& words) {
  constexpr int64_t kStaysAway = -1;
  const int64_t away_ms = words.more() ? words.seconds_as_ms("a time until it comes back") : kStaysAway;
  const std::string path = words.more() ? words.text("a path") : "";
  return [away_ms, path](Simulation& s) {
    s.modem().note("unplugged");
    if (s.host().unplug) s.host().unplug();
    if (away_ms != kStaysAway) s.later(away_ms, [path](Simulation& later) { plug(later, path); });
  };
}

Act parse_plug(Words& words) {
  const std::string path = words.more() ? words.text("a path") : "";
  return [path](Simulation& s) { plug(s, path); };
}

Act parse_note(Words& words) {
  const std::string text = words.text("a text for --trace");
  return [text](Simulation& s) { s.modem().note(text); };
}

Act parse_end(Words& /*words*/) {
  return [](Simulation& s) { s.end(); };
}

}  // namespace

const std::vector<Action>& line_actions() {
  static const std::vector<Action> table{
      {"urc", "TEXT", "an unsolicited line, with CR LF around it", parse_urc},
      {"send", "TEXT", "these bytes as they are", parse_send},
      {"storm", "N TEXT [PER_SECOND]", "N unsolicited lines; {n} is their number", parse_storm},
      {"flood", "N", "N bytes without an end of line", parse_flood},
      {"answer", "COMMAND TEXT [TIMES]|normal", "these bytes in place of its answer", parse_answer},
      {"prompt", "TEXT|normal", "these bytes ask for data in place of \"\\r\\n> \"", parse_prompt},
      {"delay", "COMMAND MS [TIMES]", "its answer comes so much later", parse_delay},
      {"hang", "[SECONDS|COMMAND|off]", "answers nothing; or never that command", parse_hang},
      {"lose", "N", "the next N bytes to the host vanish", parse_lose},
      {"garbage", "N", "N random bytes", parse_garbage},
      {"double", "[N|off]", "the next N lines come twice", parse_double},
      {"split", "N [MS]|off", "bytes come in pieces of N with pauses", parse_split},
      {"baud", "RATE|auto", "garbage both ways until the line has it", parse_baud},
      {"reboot", "[usb]", "restart; usb: the device leaves meanwhile", parse_reboot},
      {"power", "off|on", "", parse_power},
      {"start-time", "SECONDS", "from power to RDY", parse_start_time},
      {"unplug", "[SECONDS [PATH]]", "the device goes; comes back so much later", parse_unplug},
      {"plug", "[PATH]", "and comes back, under another name", parse_plug},
      {"note", "TEXT", "printed by --trace", parse_note},
      {"end", "", "ends the program with exit code 0", parse_end},
  };
  return table;
}

}  // namespace sim::modem
