// A server's uplink messages that are with its clients: a message is settled when every client it went to has
// acknowledged it or is gone.
#pragma once
#include <cstdint>

#include "ring.hpp"

namespace channel_tcp {

class Ledger {
 public:
  struct Entry {
    uint64_t token = 0;
    uint64_t bytes = 0;
    uint32_t waiting = 0;       // clients that have not said yet
    bool directed = false;      // for one client alone
    bool acknowledged = false;  // by at least one
  };

  [[nodiscard]] size_t size() const { return entries_.size(); }
  // The ticket of the next entry added.
  [[nodiscard]] uint64_t next() const { return first_ + entries_.size(); }
  void add(const Entry& e) { entries_.push(e); }
  // One client has acknowledged it, or is gone. Null for a ticket that was taken out meanwhile.
  Entry* settle(uint64_t ticket, bool acknowledged);
  // Takes out the oldest entry, if it waits for nobody (or whatever it waits for).
  bool take_settled(Entry* out);
  bool take_any(Entry* out);

 private:
  Ring<Entry> entries_;
  uint64_t first_ = 1;  // ticket of the oldest; 0 is no ticket
};

}  // namespace channel_tcp
