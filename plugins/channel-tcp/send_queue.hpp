// What goes out on one connection: writes a batch in one call, keeps by reference what the socket did not take, and
// knows which bytes belong to which ticket until the other end's TCP has acknowledged them. With TLS these are the
// bytes of the records: a ticket ends where the socket's stream was when its last record was in the socket (D18).
#pragma once
#include <cstdint>
#include <dtu/sdk.hpp>

#include "ring.hpp"
#include "transport.hpp"

namespace channel_tcp {

class SendQueue {
 public:
  struct Item {
    const dtu_msg* msg;  // owner null: the payload outlives the queue
    uint64_t ticket;     // 0: nobody asks what became of it
  };
  static constexpr uint32_t kBatch = 64;
  static constexpr size_t kMostOpen = 16384;  // tickets; beyond it the channel is full

  explicit SendQueue(dtu::Host host) : host_(host) {}

  // Up to kBatch items; while blocked() they are only kept. Answers 0, or the errno of a dead socket; the items are
  // kept either way.
  int send(Transport& through, const Item* items, uint32_t n);
  // Keeps it without writing: for a socket that will not be written any more.
  void keep(const Item& item);
  // Goes on with what the socket did not take. Answers as send does.
  int write_more(Transport& through);
  [[nodiscard]] bool blocked() const { return !unsent_.empty(); }
  [[nodiscard]] bool full() const { return blocked() || open_.size() + kBatch > kMostOpen; }
  [[nodiscard]] bool has_open() const { return blocked() || !open_.empty(); }

  // Asks TCP how much is acknowledged: a system call, so only when enough was written, or a timer says so.
  // True: more than before.
  bool ask(const Transport& through);
  [[nodiscard]] bool worth_asking() const { return written_ - asked_bytes_ >= 65536 || asked_tickets_ >= 512; }

  // Takes out the next ticket that is acknowledged; or whatever is the oldest, and whether the socket took any byte of
  // it. False: there is none.
  bool next_acknowledged(uint64_t* ticket);
  bool next_open(uint64_t* ticket, bool* begun);

  [[nodiscard]] uint64_t written() const { return written_; }

 private:
  struct Open {
    uint64_t ticket = 0;
    uint64_t end = 0;  // position in the stream of the byte after its last: plain, or of the socket's stream with TLS
  };
  struct Unsent {
    dtu::Buffer owner;
    const char* at = nullptr;
    size_t left = 0;
    bool begun = false;  // the socket took some of it
    Open open;
  };
  int write(Transport& through, const iovec* iov, size_t n, size_t* written);
  void opened(Open o, const Transport* through);

  dtu::Host host_;
  Ring<Unsent> unsent_;
  Ring<Open> open_;
  uint64_t queued_ = 0;  // positions in the stream of plain bytes, from 0
  uint64_t written_ = 0;
  uint64_t acknowledged_ = 0;   // position in the socket's stream
  uint64_t asked_bytes_ = 0;    // written_ when last asked
  uint32_t asked_tickets_ = 0;  // tickets since
};

}  // namespace channel_tcp
