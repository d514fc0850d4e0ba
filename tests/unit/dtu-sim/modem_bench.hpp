// A simulated module on a line in memory, with a clock that the test moves.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modem/simulation.hpp"

namespace sim::modem {

class Bench {
 public:
  explicit Bench(std::string_view variant = "ec600n")
      : simulation_(*find_profile(variant), 1,
                    {[this] { bus += "gone "; }, [this](const std::string& path) { bus += "back " + path + " "; },
                     [this](char direction, std::string_view text) {
                       if (direction == '*') notes.emplace_back(text);
                     }}) {}

  void play(std::string_view script) { simulation_.play(parse_script(script)); }
  void act(std::string_view line) { simulation_.act(parse_action(line)); }
  // What the module sends within `ms`.
  std::string wait(int64_t ms) {
    std::string out;
    for (const int64_t end = now_ + ms; now_ <= end; ++now_) {
      simulation_.advance(now_);
      for (std::string_view bytes; !(bytes = simulation_.ready(1000)).empty();) {
        out += bytes;
        simulation_.taken(bytes.size());
      }
    }
    return out;
  }
  std::string send(std::string_view bytes, int64_t ms = 100) {
    simulation_.receive(bytes);
    return wait(ms);
  }
  std::string ask(std::string_view line, int64_t ms = 100) { return send(std::string(line) + "\r", ms); }
  Modem& modem() { return simulation_.modem(); }

  std::string bus;                 // what happened to the device, in words
  std::vector<std::string> notes;  // of the trace

 private:
  int64_t now_ = 0;
  Simulation simulation_;
};

// What a module prints around its lines.
inline std::string lines(const std::vector<std::string>& text) {
  std::string out;
  for (const std::string& line : text) out += "\r\n" + line;
  return out + "\r\n";
}
inline std::string answer(const std::vector<std::string>& text) { return lines(text) + "\r\nOK\r\n"; }
inline const std::string kOk = "\r\nOK\r\n";
inline const std::string kError = "\r\nERROR\r\n";

}  // namespace sim::modem
