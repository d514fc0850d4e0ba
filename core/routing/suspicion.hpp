// Finds the message that the peer of a channel never takes (D19). Once a channel completed messages with DTU_E_REFUSED,
// its outbox is sent in small pieces, until the message for which the peer closes is in flight alone. When the peer has
// closed kMost times for the same message alone, and has confirmed another one in between or confirms the next one, the
// message is rejected.
//
// A peer that takes nothing at all must not cost a message. So the suspect is set aside, and the next message is sent
// alone. When it is confirmed, the suspect is rejected: it stood before, so it cannot be sent any more. When the peer
// closes for that one too, both wait in their order, and the suspect is sent again after pauses that grow, now and then
// with the next message after it. When the next one was refused kMost times as well, the one behind it is tried, and
// so on: all before the one that is confirmed are rejected. While no other message waits, the suspect is sent again
// after such pauses.
//
// A peer that closes its connections for another reason must not cost a message either:
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
  enum class End : uint8_t {
    kept,       // it is sent again
    gone,       // it is not
    confirmed,  // by the peer
  };
  // A message was completed in another way. Only while any().
  void completed(Outbox& outbox, End end);
  // The last refused() found that the peer takes nothing, or nothing else to compare with, and began a pause: how long.
  // Once for each time the peer confirmed something. 0: nothing to say.
  [[nodiscard]] int64_t began_pause();
  // The channel can carry messages, or cannot any more.
  void up(int64_t now_ns);
  void down(Outbox& outbox);

 private:
  void clear(Outbox& outbox);
  void pause(Outbox& outbox, int64_t now_ns, bool suspect);

  uint32_t most_ = 0;      // in flight at once; 0: as many as the channel takes
  uint64_t left_ = 0;      // so many messages were in flight when the peer closed, and are not gone yet
  bool single_ = false;    // most_ does not grow with each message that is confirmed
  bool closed_ = false;    // the peer closed, and nothing was sent since
  bool carries_ = false;   // the channel does
  int64_t up_ns_ = 0;      // since then
  int64_t sent_ns_ = 0;    // last time, while any()
  int64_t settle_ns_ = 0;  // a connection has to be up so long before a suspect is sent
  bool taken_ = false;     // a message was confirmed since the last close
  bool alone_ = false;     // the pause ends when a message comes that was not refused so often
  int64_t pause_ns_ = 0;   // the last one since a message was confirmed
  int64_t resume_ns_ = 0;  // a suspect is not sent before; 0: no pause
  uint32_t rounds_ = 0;    // so often the suspect was sent since then, and others waited
  bool told_ = false;      // began_pause() did
};

}  // namespace dtud::routing
