// The reset button, read through point gpio.<n>: an await for the edge, no polling. Main lane.
//
//   off --use()--> high? --was high--> waiting --low--> pressed --low for 25 ms--> held --high--> waiting
//                                         ^------------ high before ------'
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "commands/calls.hpp"

namespace dtud {

class ResetPin {
 public:
  ResetPin(Lane& lane, Log& log, commands::Directory& directory, commands::Calls& calls, std::function<void()> pressed);
  ResetPin(const ResetPin&) = delete;
  ResetPin& operator=(const ResetPin&) = delete;
  ~ResetPin();

  void use(int32_t pin);  // -1: none
  void points_changed();  // tries again where the point was missing or could not be awaited
  [[nodiscard]] bool missing() const { return !point_.empty() && directory_.point(point_) == nullptr; }
  void say_if_missing();  // once

 private:
  enum class State { off, not_seen_high, waiting, pressed, held };
  void await(State state);  // the level that ends it
  void changed(const commands::Answer& answer);
  void debounced();
  void read(const commands::Answer& answer);
  void off();
  void warn(const std::string& what);
  static void run_debounced(void* self) { static_cast<ResetPin*>(self)->debounced(); }

  Lane& lane_;
  Log& log_;
  commands::Directory& directory_;
  commands::Calls& calls_;
  std::function<void()> pressed_;
  std::string point_;  // "gpio.3"; "": none
  State state_ = State::off;
  uint64_t await_ = 0;            // the call under way; 0: none
  std::shared_ptr<State> press_;  // lives while this press does: an answer to the read of an older one is nobody's
  uint64_t timer_;
  bool warned_ = false;
};

}  // namespace dtud
