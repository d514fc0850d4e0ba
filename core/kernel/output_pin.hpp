// An output of the board, driven through its point gpio.<n>. One write is under way at a time; the newest level wins.
// Main lane.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "commands/calls.hpp"

namespace dtud {

class OutputPin {
 public:
  // key: what names it in the device document, for messages: "pins/0 (network LED)". failed: a write was not carried
  // out, again() tries it anew.
  OutputPin(Log& log, commands::Directory& directory, commands::Calls& calls, std::string key,
            std::function<void()> failed)
      : log_(log), directory_(directory), calls_(calls), key_(std::move(key)), failed_(std::move(failed)) {}

  void use(int32_t pin);  // -1: none; the one used before goes low
  [[nodiscard]] bool configured() const { return !point_.empty(); }
  [[nodiscard]] bool there() const { return configured() && directory_.point(point_) != nullptr; }
  // What was written is not known any more: its HAL was started anew.
  void forget() { written_ = -1; }
  void set(bool level);
  void again() { write(); }
  void say_if_missing();  // once

 private:
  void write();
  void failed(const commands::Answer& answer);
  void warn(const std::string& what);

  Log& log_;
  commands::Directory& directory_;
  commands::Calls& calls_;
  const std::string key_;
  const std::function<void()> failed_;
  std::string point_;  // "gpio.2"; "": none
  int wanted_ = 0;
  int written_ = -1;  // or being written; -1: not known
  bool warned_ = false;
  std::shared_ptr<bool> writing_ = std::make_shared<bool>(false);  // of this use(): an older one's answer is nobody's
};

}  // namespace dtud
