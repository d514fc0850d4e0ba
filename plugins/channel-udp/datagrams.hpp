// Reading and writing datagrams of a connected socket, several in one system call.
#pragma once
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <dtu/sdk/host.hpp>
#include <memory>
#include <utility>

namespace channel_udp {

constexpr uint64_t kMostBytes = 65507;  // of one datagram over IPv4

struct Sending {
  uint32_t sent = 0;
  int error = 0;  // errno of the first that was not sent; 0: the rest may be tried at once
};
constexpr uint32_t kSendBatch = 64;
// At most kSendBatch messages.
[[nodiscard]] Sending send_datagrams(int fd, const dtu_msg* msgs, uint32_t n);

// Reads and drops what waits on the socket, up to a bound. How many there were.
[[nodiscard]] uint64_t drop_unread(int fd);

// What was read and is not handed over yet. Never more than one batch: while it is not empty nothing is read.
class Inbox {
 public:
  static constexpr uint32_t kBatch = 16;
  Inbox();

  // Only while empty(). Answers 0, or the errno of the socket (EAGAIN: nothing is there).
  int read(int fd);
  // False: the host has no room; the rest is kept.
  bool deliver(dtu::Host host);
  [[nodiscard]] bool empty() const { return next_ == count_; }
  [[nodiscard]] uint32_t left() const { return count_ - next_; }
  // Datagrams and bytes of the last read().
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] uint64_t bytes() const;
  void clear() { count_ = next_ = 0; }
  // Datagrams the system had no room for, as far as those that were read tell; each is told once.
  [[nodiscard]] uint32_t take_dropped() {
    const uint32_t before = std::exchange(told_, dropped_);
    return dropped_ - before;
  }
  void new_socket() { dropped_ = told_ = 0; }

 private:
  static constexpr size_t kRoom = 65536;
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(sizeof(uint32_t))> bytes;
  };
  void note_drops(const msghdr& header);

  std::unique_ptr<char[]> memory_;  // not cleared, so that only what datagrams fill is ever resident
  std::array<iovec, kBatch> pieces_{};
  std::array<Control, kBatch> controls_{};
  std::array<mmsghdr, kBatch> headers_{};
  uint32_t count_ = 0, next_ = 0;
  uint32_t dropped_ = 0, told_ = 0;  // on this socket, as the system counts
};

}  // namespace channel_udp
