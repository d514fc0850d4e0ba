#include "ledger.hpp"

namespace channel_tcp {

Ledger::Entry* Ledger::settle(uint64_t ticket, bool acknowledged) {
  if (ticket < first_ || ticket >= next()) return nullptr;
  Entry& e = entries_[ticket - first_];
  --e.waiting;
  e.acknowledged = e.acknowledged || acknowledged;
  return &e;
}

bool Ledger::take_any(Entry* out) {
  if (entries_.empty()) return false;
  *out = entries_.front();
  entries_.pop();
  ++first_;
  return true;
}

bool Ledger::take_settled(Entry* out) { return !entries_.empty() && entries_.front().waiting == 0 && take_any(out); }

}  // namespace channel_tcp
