// The pins a person sees and presses: network LED, ready line, reset button (`pins` of the device document, dtu.md
// §4.7). They are points gpio.<n>, whichever HAL offers them. Main lane.
//
//   LED    registering 100 ms on, 100 ms off; attached 500, 500; connected (a channel carries) 200, 1800
//   ready  high while a channel carries
//   reset  low for 25 ms: reset the parameters. It must have been seen high before: a line nobody drives, or one that
//   is
//          held at the start, resets nothing. Once a press.
//
// A sleeping board stays asleep: no timer runs for a pin that is not configured or not there, and the network is asked
// for its state only while no channel carries and there is an LED to show it.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "commands/calls.hpp"
#include "config/documents.hpp"
#include "kernel/output_pin.hpp"
#include "kernel/reset_pin.hpp"

namespace dtud {

class Indicators {
 public:
  // connected: a channel carries, asked after look().
  Indicators(Lane& lane, Log& log, commands::Directory& directory, commands::Calls& calls,
             std::function<bool()> connected, std::function<void()> reset_parameters);
  Indicators(const Indicators&) = delete;
  Indicators& operator=(const Indicators&) = delete;
  ~Indicators();

  void configure(const config::PinsConfig& pins);  // outputs that are not used any more go low
  void look();                                     // a channel may have changed its state
  void points_changed();                           // a HAL started

 private:
  enum class Network { registering, attached, connected };
  void show();
  void show(Network network);
  void blink();
  void ask_network();
  void understood(const commands::Answer& data_state);
  void mend();  // says what is missing, and writes again what could not be written
  void mend_later();
  static void run_blink(void* self) { static_cast<Indicators*>(self)->blink(); }
  static void run_ask(void* self) { static_cast<Indicators*>(self)->ask_network(); }
  static void run_mend(void* self) { static_cast<Indicators*>(self)->mend(); }

  Lane& lane_;
  commands::Directory& directory_;
  commands::Calls& calls_;
  std::function<bool()> connected_;
  OutputPin led_, ready_;
  ResetPin reset_;
  config::PinsConfig pins_;
  Network network_ = Network::registering;
  bool lit_ = false, blinking_ = false;
  std::shared_ptr<bool> asking_;  // while the board is asked for its network state
  uint64_t blink_timer_, ask_timer_, mend_timer_;
};

}  // namespace dtud
