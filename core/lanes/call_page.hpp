// Who is being called, kept where the next dtud finds it: a page in a file of `runtime_dir`, written by plain stores,
// so that it survives the death of the process. What it costs a call is in Lane::Running; here is the rest: names for
// the numbers that lanes write, what the process died of, and reading what the process before left.
//
// Main lane; the functions that a death runs are called by whichever thread dies.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/call_slot.hpp"

namespace dtud {

class Lane;

// What a process left that did not end by itself. Believed only as far as its bounds go: it names, it decides nothing.
struct LastCalls {
  struct Call {
    std::string name, plugin;  // as given to enter()
    uint64_t origin = 0;
    std::string function;  // "": it is not known, for that dtud was another build
  };
  static constexpr uint32_t kExit = 1000;
  uint32_t cause = 0;        // a signal, or kExit: exit() was called; 0: nothing that a process sees (SIGKILL, _exit)
  bool outside = false;      // another process sent the signal
  bool on_lane = false;      // a lane died, not another thread
  bool same_boot = false;    // else the board may have lost its power
  int64_t ended_ns = 0;      // boot_ns() then
  std::optional<Call> in;    // the call that the lane which died was in
  std::vector<Call> beside;  // where the other lanes were
};

[[nodiscard]] int64_t boot_ns();      // since the board started, also while it slept
[[nodiscard]] std::string boot_id();  // another one after each start of the board; "": unknown

class CallPage {
 public:
  CallPage();
  ~CallPage();
  CallPage(const CallPage&) = delete;
  CallPage& operator=(const CallPage&) = delete;

  // Takes what the process before left in `folder`, and begins a page there. trouble: why there is none; all works
  // without it. Nothing: that process ended as it should, or there was none.
  [[nodiscard]] std::optional<LastCalls> begin(const std::string& folder, std::string& trouble);
  // From now on whatever becomes of the process is no death.
  void end();

  // A number for a name, 0 when there are too many. origin: the caller's own mark, for LastCalls.
  [[nodiscard]] uint32_t enter(std::string_view name, std::string_view plugin, uint64_t origin);
  void leave(uint32_t number);
  // The lane writes into the page from now on; the first one is the main lane. Before it runs, or on it.
  void seat(Lane& lane);
  void unseat(Lane& lane);  // it does not run any more

  static constexpr size_t kMostSlots = 64, kMostNames = 255;  // more of them are not seen
  struct Page;

 private:
  Page* page_ = nullptr;
  std::vector<uint32_t> free_;
};

// Room for a signal handler on the calling thread, so that the end of its stack can be told, too.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace dtud
