// Finds the message that the peer of a channel never takes (D19). Once a channel completed messages with DTU_E_REFUSED,
// its outbox is sent in small pieces, until the message for which the peer closes is in flight alone. It is rejected
// when the peer closed kMost times for it alone and confirmed another message after the first of these times.
//
// A peer that takes nothing at all must not cost a message. So after kMost times all messages for which the peer
// closed are set aside, and the first one behind them is sent alone.
//   - The peer confirms it: those that were set aside are sent again, one at a time. A peer that began to take messages
//     just then takes them too: late, and counted as overtaken. For one that the peer never takes it closes once more.
//   - The peer closes for that one too: it is set aside with the others the next time. The first one is sent again
//     before that. After the first kQuickRounds of such rounds, with pauses before that grow: a peer that takes nothing
//     for long is asked seldom, and is most likely to begin in a pause, when the first one is the next.
// While no other message waits, the first one is sent again after pauses that grow. In an outbox that is full of such
// messages there is room for one more to compare with.
//
// A peer that closes its connections for another reason must not cost a message either:
//   - After the first time, a message is sent only on a connection that has been up for a while: several times as long
//     as the peer took to close, and longer than the last connection lived if its life was short. A peer, or a proxy
//     before it, that closes by itself closes during that time.
//   - A connection that is lost in another way, or before the message is sent, clears the message.
//   - A peer that neither closes nor confirms soon clears it too.
//   - When the peer takes one for which it closed before, it was not the message: all are cleared.
// Nothing of this costs anything before the first DTU_E_REFUSED. Main lane.
#pragma once
#include <cstdint>

#include "routing/outbox.hpp"

namespace dtud::routing {

class Suspicion {
 public:
  static constexpr uint8_t kMost = 3;
  static constexpr uint32_t kQuickRounds = 8;

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
  // A message is about to be completed in another way. Only while any().
  void completed(Outbox& outbox, uint64_t token, End end);
  // The last refused() found that the peer takes nothing, or nothing to compare with. Once for each time the peer
  // confirmed something.
  [[nodiscard]] bool takes_nothing();
  // The channel can carry messages, or cannot any more.
  void up(int64_t now_ns);
  void down(Outbox& outbox);

 private:
  enum class Nothing : uint8_t { unknown, found, told };
  void clear(Outbox& outbox);
  void proven(Outbox& outbox, uint64_t token);
  [[nodiscard]] int64_t pause_ns(bool others) const;
  [[nodiscard]] bool pausing(Outbox& outbox) const;

  uint32_t most_ = 0;      // in flight at once; 0: as many as the channel takes
  uint64_t left_ = 0;      // so many messages were in flight when the peer closed, and are not gone yet
  bool single_ = false;    // most_ does not grow with each message that is confirmed
  bool closed_ = false;    // the peer closed, and nothing was sent since
  bool carries_ = false;   // the channel does
  int64_t up_ns_ = 0;      // since then
  int64_t sent_ns_ = 0;    // last time, or the peer closed, while any()
  int64_t settle_ns_ = 0;  // a connection has to be up so long before a suspect is sent
  // Since a message was confirmed:
  uint32_t rounds_ = 0;  // so often the one to compare with was refused
  uint32_t lonely_ = 0;  // so often there was none
  Nothing takes_nothing_ = Nothing::unknown;
};

}  // namespace dtud::routing
