#include "datagrams.hpp"

#include <cerrno>
#include <cstring>

namespace channel_udp {
namespace {

constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
constexpr uint64_t kMostDropped = 65536;

}  // namespace

Sending send_datagrams(int fd, const dtu_msg* msgs, uint32_t n) {
  std::array<iovec, kSendBatch> pieces;
  std::array<mmsghdr, kSendBatch> headers;
  if (n == 1) {
    const ssize_t r = ::send(fd, msgs->payload.ptr, static_cast<size_t>(msgs->payload.len), kFlags);
    return r < 0 ? Sending{0, errno} : Sending{1, 0};
  }
  for (uint32_t i = 0; i < n; ++i) {
    pieces[i] = {const_cast<char*>(msgs[i].payload.ptr), static_cast<size_t>(msgs[i].payload.len)};
    headers[i] = {};
    headers[i].msg_hdr.msg_iov = &pieces[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  const int r = ::sendmmsg(fd, headers.data(), n, kFlags);
  return r < 0 ? Sending{0, errno} : Sending{static_cast<uint32_t>(r), 0};
}

uint64_t drop_unread(int fd) {
  uint64_t n = 0;
  char byte = 0;
  while (n < kMostDropped && ::recv(fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0) ++n;
  return n;
}

Inbox::Inbox() : memory_(new char[kBatch * kRoom]) {
  for (uint32_t i = 0; i < kBatch; ++i) {
    pieces_[i] = {memory_.get() + i * kRoom, kRoom};
    headers_[i].msg_hdr.msg_iov = &pieces_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = controls_[i].bytes.data();
  }
}

int Inbox::read(int fd) {
  count_ = next_ = 0;
  for (mmsghdr& h : headers_) h.msg_hdr.msg_controllen = sizeof(Control::bytes);
  const int n = ::recvmmsg(fd, headers_.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (n < 0) return errno;
  count_ = static_cast<uint32_t>(n);
  if (count_ > 0) note_drops(headers_[count_ - 1].msg_hdr);
  return 0;
}

void Inbox::note_drops(const msghdr& header) {
  const cmsghdr* c = CMSG_FIRSTHDR(&header);
  if (c != nullptr && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
    std::memcpy(&dropped_, CMSG_DATA(c), sizeof dropped_);
}

uint64_t Inbox::bytes() const {
  uint64_t all = 0;
  for (uint32_t i = 0; i < count_; ++i) all += headers_[i].msg_len;
  return all;
}

bool Inbox::deliver(dtu::Host host) {
  std::array<dtu_msg, kBatch> msgs{};
  const uint32_t n = left();
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t k = next_ + i;
    msgs[i].payload = {static_cast<const char*>(pieces_[k].iov_base), headers_[k].msg_len};
  }
  uint32_t taken = 0;
  if (n > 0 && host.emit(msgs.data(), n, &taken) == DTU_AGAIN) {
    next_ += taken;
    return false;
  }
  next_ = count_;
  return true;
}

}  // namespace channel_udp
