// The module with a script that is played on it.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "modem.hpp"
#include "script.hpp"

namespace sim::modem {

class Simulation {
 public:
  // What the script does to the world around the module. `plug` with "" makes the line under its present name.
  struct Host {
    std::function<void()> unplug;
    std::function<void(const std::string& path)> plug;
    std::function<void(char direction, std::string_view text)> trace;
  };

  Simulation(const Profile& profile, uint32_t seed, Host host);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Its times count from now on.
  void play(std::vector<Step> steps);
  void act(const Act& act) { act(*this); }

  void receive(std::string_view bytes) { modem_.receive(bytes); }
  void advance(int64_t now_ms);
  // When advance() has something to do, or, with `line_takes`, ready() has bytes.
  [[nodiscard]] int64_t due_ms(bool line_takes);
  // What the line may take now; taken() says how much it took.
  [[nodiscard]] std::string_view ready(size_t most) { return modem_.wire().ready(modem_.now_ms(), most); }
  void taken(size_t bytes) { modem_.wire().taken(bytes, modem_.now_ms()); }

  // --- for actions
  [[nodiscard]] Modem& modem() { return modem_; }
  [[nodiscard]] Host& host() { return host_; }
  // Unlike Modem::later this survives a restart of the module.
  void later(int64_t ms, Act act) { tasks_.emplace(modem_.now_ms() + ms, std::move(act)); }
  void end() { ended_ = true; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] uint8_t next_reference() { return ++reference_; }
  // A drift of one value ends the one before.
  [[nodiscard]] uint64_t begin_drift(const std::string& value) { return ++drifts_[value]; }
  [[nodiscard]] bool is_drift(const std::string& value, uint64_t number) const;
  [[nodiscard]] int random(int least, int most);

 private:
  void before(const std::string& line);
  void after(const std::string& line);
  void repeat(size_t step);

  Host host_;
  Modem modem_;
  std::vector<Step> steps_;
  std::multimap<int64_t, Act> tasks_;
  std::map<std::string, uint64_t> drifts_;
  std::minstd_rand random_;
  uint8_t reference_ = 0;
  bool ended_ = false;
};

}  // namespace sim::modem
