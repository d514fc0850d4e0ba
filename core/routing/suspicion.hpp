// Finds the message that the peer of a channel never takes (D19). Once a channel completed messages with DTU_E_REFUSED,
// its outbox is sent in small pieces, until the message for which the peer closes is in flight alone. When the peer has
// closed kMost times for the same message alone, the message is rejected and the next one goes.
//
// A peer that closes its connections for another reason must not cost a message:
//   - After the first time, a message is sent only on a connection that has been up for a while: several times as long
//     as the peer took to close, and longer than the last connection lived if its life was short. A peer, or a proxy
//     before it, that closes by itself closes during that time.
//   - A connection that is lost in another way, or before the message is sent, clears the message.
//   - A peer that neither closes nor confirms soon clears it too.
// Nothing of this costs anything before the first DTU_E_REFUSED. Main lane.
#pragma once
#include <cstdint>

#include "routing/outbox.hpp"

namespace dtud::routing {

class Suspicion {
 public:
  static constexpr uint8_t kMost = 3;

  // Messages are sent carefully now.
  [[nodiscard]] bool any() const { return most_ != 0; }

  struct Allowed {
    uint32_t messages = Outbox::kBatch;
    int64_t ask_again_ns = 0;  // with 0 messages: not before this time
  };
  // What may be sent now. Only while any().
  [[nodiscard]] Allowed allowed(Outbox& outbox, int64_t now_ns);
  // Something was sent. Only while any().
  void sent(int64_t now_ns);
  // What is sent now goes alone: it is as long as one that the peer never took.
  void alone();

  // `token` is about to be completed with DTU_E_REFUSED. True: reject its message instead of keeping it.
  [[nodiscard]] bool refused(Outbox& outbox, uint64_t token, int64_t now_ns);
  // A message was completed in another way: `gone` it is not sent again. Only while any().
  void completed(Outbox& outbox, bool gone);
  // The channel can carry messages, or cannot any more.
  void up(int64_t now_ns);
  void down(Outbox& outbox);

 private:
  void clear(Outbox& outbox);

  uint32_t most_ = 0;      // in flight at once; 0: as many as the channel takes
  uint64_t left_ = 0;      // so many messages were in flight when the peer closed, and are not gone yet
  bool single_ = false;    // most_ does not grow with each message that is confirmed
  bool closed_ = false;    // the peer closed, and nothing was sent since
  bool carries_ = false;   // the channel does
  int64_t up_ns_ = 0;      // since then
  int64_t sent_ns_ = 0;    // last time, while any()
  int64_t settle_ns_ = 0;  // a connection has to be up so long before a suspect is sent
};

}  // namespace dtud::routing
