#include "simulation.hpp"

#include <algorithm>

namespace sim::modem {

Simulation::Simulation(const Profile& profile, uint32_t seed, Host host)
    : host_(std::move(host)),
      modem_(profile, seed,
             Modem::Hooks{[this](const std::string& line) { before(line); },
                          [this](const std::string& line) { after(line); }, host_.trace,
                          [this](bool here) {
                            if (here && host_.plug) host_.plug("");
                            if (!here && host_.unplug) host_.unplug();
                          }}),
      random_(seed) {}

void Simulation::play(std::vector<Step> steps) {
  steps_ = std::move(steps);
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (step.when == When::every) repeat(i);
    if (step.when != When::at) continue;
    if (step.ms > 0) {
      later(step.ms, step.act);
      continue;
    }
    modem_.mute(step.sets);
    step.act(*this);
    modem_.mute(false);
  }
}

void Simulation::repeat(size_t step) {
  later(steps_[step].ms, [step](Simulation& self) {
    self.repeat(step);
    self.steps_[step].act(self);
  });
}

void Simulation::before(const std::string& line) {
  for (const Step& step : steps_)
    if (step.when == When::on && command_matches(step.command, line)) step.act(*this);
}

void Simulation::after(const std::string& line) {
  for (Step& step : steps_)
    if (step.when == When::after && step.count > 0 && command_matches(step.command, line) && --step.count == 0)
      step.act(*this);
}

void Simulation::advance(int64_t now_ms) {
  // In the order of time, the module's own and the script's.
  while (!tasks_.empty() && tasks_.begin()->first <= now_ms) {
    modem_.advance(tasks_.begin()->first);
    const auto first = tasks_.begin();
    const Act act = std::move(first->second);
    tasks_.erase(first);
    act(*this);
  }
  modem_.advance(now_ms);
}

int64_t Simulation::due_ms(bool line_takes) {
  int64_t due = modem_.due_ms();
  if (!tasks_.empty()) due = std::min(due, tasks_.begin()->first);
  return line_takes ? std::min(due, modem_.wire().due_ms(modem_.now_ms())) : due;
}

bool Simulation::is_drift(const std::string& value, uint64_t number) const {
  const auto found = drifts_.find(value);
  return found != drifts_.end() && found->second == number;
}

int Simulation::random(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }

}  // namespace sim::modem
