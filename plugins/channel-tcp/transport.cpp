#include "transport.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace channel_tcp {
namespace {

// Walks over the bytes of several pieces.
class Pieces {
 public:
  Pieces(const iovec* iov, size_t n) : iov_(iov), n_(n) {}
  // `most` bytes of what is left, or fewer at the end: where they are, or copied to `to` when they are in several
  // pieces.
  std::pair<const char*, size_t> look(size_t most, char* to) {
    skip_empty();
    if (i_ == n_) return {nullptr, 0};
    const size_t here = iov_[i_].iov_len - at_;
    if (here >= most || i_ + 1 == n_) return {begin(i_) + at_, std::min(here, most)};
    size_t copied = 0;
    for (size_t i = i_, from = at_; i < n_ && copied < most; ++i, from = 0) {
      const size_t k = std::min(iov_[i].iov_len - from, most - copied);
      if (k != 0) std::memcpy(to + copied, begin(i) + from, k);
      copied += k;
    }
    return {to, copied};
  }
  void skip(size_t bytes) {
    while (bytes != 0) {
      skip_empty();
      const size_t k = std::min(bytes, iov_[i_].iov_len - at_);
      at_ += k;
      bytes -= k;
    }
  }

 private:
  [[nodiscard]] const char* begin(size_t i) const { return static_cast<const char*>(iov_[i].iov_base); }
  void skip_empty() {
    for (; i_ < n_ && at_ == iov_[i_].iov_len; ++i_) at_ = 0;
  }
  const iovec* iov_;
  size_t n_, i_ = 0, at_ = 0;
};

}  // namespace

Transport::Transport(Socket socket, std::unique_ptr<tls::Session> tls)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      record_(tls_ ? std::make_unique<char[]>(tls::Session::kRecord) : nullptr) {}

int Transport::write(const iovec* iov, size_t n, size_t* written) {
  *written = 0;
  if (tls_) return write_tls(iov, n, written);
  size_t total = 0;
  for (size_t i = 0; i < n; ++i) total += iov[i].iov_len;
  if (total == 0) return 0;
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  ssize_t r = 0;
  if (n == 1) {
    r = ::send(fd(), iov->iov_base, iov->iov_len, kFlags);
  } else {
    msghdr header{};
    header.msg_iov = const_cast<iovec*>(iov);
    header.msg_iovlen = n;
    r = ::sendmsg(fd(), &header, kFlags);
  }
  if (r < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : errno;
  *written = static_cast<size_t>(r);
  plain_bytes_ += *written;
  return 0;
}

int Transport::write_tls(const iovec* iov, size_t n, size_t* written) {
  Pieces pieces(iov, n);
  for (;;) {
    // A record that waits for the socket was made of so many bytes, and the same ones come again.
    const auto [bytes, size] = pieces.look(pending_ != 0 ? pending_ : tls::Session::kRecord, record_.get());
    if (size == 0) return 0;
    size_t taken = 0;
    const tls::Step step = tls_->write(bytes, size, &taken);
    // What was taken before is said first; the next call fails again.
    if (step == tls::Step::failed || step == tls::Step::closed) return *written != 0 ? 0 : broken();
    pending_ = step == tls::Step::done ? 0 : size;
    if (step != tls::Step::done) return 0;
    *written += taken;
    pieces.skip(taken);
  }
}

ssize_t Transport::read(char* to, size_t room) {
  if (!tls_) return ::recv(fd(), to, room, MSG_DONTWAIT);
  size_t n = 0;
  switch (tls_->read(to, room, &n)) {
    case tls::Step::done:
      return static_cast<ssize_t>(n);
    case tls::Step::closed:
      return 0;
    case tls::Step::failed:
      errno = broken();
      return -1;
    default:
      errno = EAGAIN;
      return -1;
  }
}

uint64_t Transport::acknowledged_wire_bytes() const {
  const uint64_t given = wire_bytes();
  return given - std::min(given, unacknowledged(fd()));
}

void Transport::say_goodbye() {
  if (tls_ && pending_ == 0) tls_->say_goodbye();
}

const std::string& Transport::trouble() const {
  static const std::string none;
  return tls_ ? tls_->reason() : none;
}

}  // namespace channel_tcp
