// Puts the parts of long messages together: by sender, reference and number of parts, in any order, interleaved with
// others, each part once (field-troubles A10). Pure: the caller brings the time. Bounded: at most kMostWaiting messages
// and kMostParts parts wait; what is more makes room by giving out the oldest message as it is. [lane]
#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pdu.hpp"

namespace hal_ec600::sms {

// Where a message lies in the modem.
struct Slot {
  std::string storage;  // "SM", "ME"
  uint32_t index = 0;
  std::string digest = {};  // of the PDU: a slot is used again for another message
  friend bool operator==(const Slot& a, const Slot& b) {
    return a.index == b.index && a.storage == b.storage && a.digest == b.digest;
  }
};

struct Message {
  Address from;
  std::string time;     // of its first part that has one
  std::string text;     // UTF-8. Where parts are missing stands one "…"
  bool binary = false;  // text has hexadecimal digits
  std::optional<uint16_t> port;
  unsigned parts = 1;
  std::vector<unsigned> missing;  // numbers of the parts that did not come
  std::vector<Slot> slots;        // to be deleted when the message was handed over
};

class Joiner {
 public:
  static constexpr size_t kMostWaiting = 16, kMostParts = 512;

  explicit Joiner(int64_t patience_ns) : patience_ns_(patience_ns) {}

  // What is to be handed over now: the message itself when it is whole, the long one that it completes, or an older one
  // that has to make room. Usually none or one.
  [[nodiscard]] std::vector<Message> add(const Pdu& pdu, const Slot& slot, int64_t now_ns);
  // Messages whose last part came longer than the patience ago.
  [[nodiscard]] std::vector<Message> expired(int64_t now_ns);
  // The storage of the modem is full: the message that waits longest.
  [[nodiscard]] std::optional<Message> make_room();
  // Slots of parts that came twice. They hold nothing that is needed, and may be deleted.
  [[nodiscard]] std::vector<Slot> take_doubles() { return std::exchange(doubles_, {}); }
  [[nodiscard]] bool holds(const Slot& slot) const;

  [[nodiscard]] size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] size_t parts() const { return parts_; }
  [[nodiscard]] std::optional<int64_t> next_ns() const;  // when expired() has something; nothing: none waits

 private:
  struct Piece {
    Coding coding;
    std::string body;
    Slot slot;
  };
  struct Waiting {
    Address from;
    Part key;
    std::string time;
    std::optional<uint16_t> port;
    std::map<unsigned, Piece> pieces;
    int64_t last_ns = 0;
  };
  using Place = std::list<Waiting>::iterator;

  Place find(const Pdu& pdu);
  Message take(Place which);

  const int64_t patience_ns_;
  std::list<Waiting> waiting_;  // the oldest first, by their first part
  std::vector<Slot> doubles_;
  size_t parts_ = 0;
};

}  // namespace hal_ec600::sms
