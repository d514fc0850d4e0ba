// Who a plugin is to the host. It outlives the instance, so that a call from a thread that forgot to stop finds "gone"
// instead of freed memory. Handles are taken again only after many others (Instances).
//
// A plugin does not get the address: its dtu_instance * is a number that is looked up in a table of the process. So a
// null, stale or invented one is not followed. The table is the one mutable global of this folder: a call of a plugin
// brings nothing else along.
#pragma once
#include <dtu/invoke.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "events/budget.hpp"
#include "events/event.hpp"
#include "lanes/lane.hpp"
#include "plugins/faults.hpp"

namespace dtud::plugins {

class Instance;
struct Context;

struct Handle {
  explicit Handle(Context& shared);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Context* const context;
  std::string name;                           // "channel 1"
  std::atomic<Faults*> faults{nullptr};       // what its plugin did wrong; never null once it was given to an instance
  std::atomic<Instance*> instance{nullptr};   // null: gone
  std::atomic<bool> closing{false};           // stop has begun: emit answers DTU_E_CLOSED
  std::atomic<bool> ended{false};             // destroy has begun or never comes: no function of it is called any more
  std::atomic<Lane*> lane{nullptr};           // null: gone; it becomes null under the door
  Mutex door;                                 // held by a foreign thread while it posts to the lane
  std::atomic<uint64_t> inbox_bytes{0};       // payload waiting in the inbox, emitted by other threads
  std::atomic<bool> inbox_refused{false};     // an emit was answered DTU_AGAIN for that: writable() is owed to
  std::atomic<uint64_t> inbox_call_bytes{0};  // its other calls that wait there
  std::atomic<bool> inbox_overrun{false};     // too many of them waited: it is being taken down
  std::atomic<uint32_t> calls{0};             // calls of the host it made; some may be missed
  std::deque<dtu_task> tasks DTU_GUARDED_BY(door);                      // posted to its lane and not yet run
  std::atomic<int64_t> buffers{0};                                      // references of buffers it holds
  std::atomic<bool> buffers_overrun{false};                             // far too many: it is being taken down
  std::vector<uint64_t> refused;                                        // these sources; under the inbox's mutex
  std::atomic<const std::vector<events::Declared>*> declared{nullptr};  // the events its component tells
  events::Budget budget;                                                // of events
  uint64_t checked_events = 0;  // a bit for each of `declared` that was held against its schema; main lane

  // Before it is given to an instance: what the one before was told is not this handle any more.
  void renew();
  [[nodiscard]] dtu_instance* as_abi() const { return reinterpret_cast<dtu_instance*>(number_.load()); }

  // Any thread. Null: there is none of that number.
  [[nodiscard]] static Handle* find(dtu_instance* i);
  // The same for a call of `function` of the host: one of no instance is a fault of the instance whose function the
  // lane is in, or of "unknown" on another thread.
  [[nodiscard]] static Handle* find(dtu_instance* i, const char* function);
  // One that came from the kernel itself.
  [[nodiscard]] static Handle& of(dtu_instance* i) { return *find(i); }

 private:
  const size_t slot_;
  std::atomic<uintptr_t> number_;
};

}  // namespace dtud::plugins
