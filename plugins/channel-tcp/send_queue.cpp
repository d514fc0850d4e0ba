#include "send_queue.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <utility>

namespace channel_tcp {

int SendQueue::write(Transport& through, const iovec* iov, size_t n, size_t* written) {
  const int error = through.write(iov, n, written);
  written_ += *written;
  return error;
}

void SendQueue::opened(Open o, const Transport* through) {
  if (o.ticket == 0) return;
  if (through != nullptr && through->tls() != nullptr) o.end = through->wire_bytes();
  open_.push(o);
  ++asked_tickets_;
}

int SendQueue::send(Transport& through, const Item* items, uint32_t n) {
  std::array<iovec, kBatch> iov;
  for (uint32_t i = 0; i < n; ++i) {
    const dtu_str& p = items[i].msg->payload;
    iov[i] = {const_cast<char*>(p.ptr), static_cast<size_t>(p.len)};
  }
  size_t out = 0;
  const int error = blocked() ? 0 : write(through, iov.data(), n, &out);
  for (uint32_t i = 0; i < n; ++i) {
    const dtu_msg& m = *items[i].msg;
    const auto length = static_cast<size_t>(m.payload.len);
    queued_ += length;
    const Open o{items[i].ticket, queued_};
    if (error == 0 && unsent_.empty() && length <= out) {
      out -= length;
      opened(o, &through);
    } else {
      dtu::Buffer owner = m.owner != nullptr ? host_.keep(m.owner) : dtu::Buffer();
      unsent_.push({std::move(owner), m.payload.ptr + out, length - out, out != 0, o});
      out = 0;
    }
  }
  return error;
}

void SendQueue::keep(const Item& item) { unsent_.push({{}, nullptr, 0, false, {item.ticket, queued_}}); }

int SendQueue::write_more(Transport& through) {
  std::array<iovec, kBatch> iov;
  const size_t n = std::min<size_t>(unsent_.size(), kBatch);
  for (size_t i = 0; i < n; ++i) iov[i] = {const_cast<char*>(unsent_[i].at), unsent_[i].left};
  size_t out = 0;
  const int error = write(through, iov.data(), n, &out);
  if (error != 0) return error;
  while (!unsent_.empty() && unsent_.front().left <= out) {
    out -= unsent_.front().left;
    opened(unsent_.front().open, &through);
    unsent_.pop();
  }
  if (!unsent_.empty()) {
    unsent_.front().at += out;
    unsent_.front().left -= out;
    unsent_.front().begun = unsent_.front().begun || out != 0;
  }
  return 0;
}

bool SendQueue::ask(const Transport& through) {
  const uint64_t before = acknowledged_;
  acknowledged_ = through.acknowledged_wire_bytes();
  asked_bytes_ = written_;
  asked_tickets_ = 0;
  return acknowledged_ > before;
}

bool SendQueue::next_acknowledged(uint64_t* ticket) {
  if (open_.empty() || open_.front().end > acknowledged_) return false;
  *ticket = open_.front().ticket;
  open_.pop();
  return true;
}

bool SendQueue::next_open(uint64_t* ticket, bool* begun) {
  *begun = true;
  while (open_.empty() && !unsent_.empty()) {
    *begun = unsent_.front().begun;
    opened(unsent_.front().open, nullptr);
    unsent_.pop();
  }
  if (open_.empty()) return false;
  *ticket = open_.front().ticket;
  open_.pop();
  return true;
}

}  // namespace channel_tcp
