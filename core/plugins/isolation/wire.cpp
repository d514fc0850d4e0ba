#include "plugins/isolation/wire.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace dtud::plugins::isolation {

bool Wire::flush() {
  while (pending() != 0) {
    const ssize_t n = ::send(socket_.get(), out_.data() + sent_, pending(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (sent_ < kRead) return true;
      out_.erase(0, sent_);  // else a busy end would grow for ever
      sent_ = 0;
      return true;
    }
    if (n < 0) return false;
    sent_ += static_cast<size_t>(n);
  }
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > kKept) out_.shrink_to_fit();
  return true;
}

bool Wire::flush_all() {
  for (;;) {
    if (!flush()) return false;
    if (pending() == 0) return true;
    pollfd ready{socket_.get(), POLLOUT, 0};
    ::poll(&ready, 1, -1);  // ends with dtud, which hangs up, or kills us
  }
}

Wire::Filled Wire::fill() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (in_.size() > kKept) std::vector<char>().swap(in_);
  } else if (begin_ != 0) {
    std::copy(in_.begin() + static_cast<ptrdiff_t>(begin_), in_.begin() + static_cast<ptrdiff_t>(end_), in_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  // A long frame is read whole: room for what it says it has, of which frame_at() believes kMostFrame at most.
  size_t wanted = end_ + kRead;
  uint32_t said = 0;
  if (end_ >= sizeof said) {
    std::memcpy(&said, in_.data(), sizeof said);
    if (said <= kMostFrame) wanted = std::max<size_t>(wanted, said);
  }
  if (in_.size() < wanted) in_.resize(wanted);
  const ssize_t n = ::recv(socket_.get(), in_.data() + end_, in_.size() - end_, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return Filled::nothing;
  if (n <= 0) return Filled::ended;
  end_ += static_cast<size_t>(n);
  return Filled::something;
}

size_t Wire::frame_at(size_t at, Frame& type) const {
  if (end_ - at < kHead) return 0;
  uint32_t length = 0;
  std::memcpy(&length, in_.data() + at, sizeof length);
  if (length < kHead || length > kMostFrame) return std::string::npos;
  if (end_ - at < length) return 0;
  std::memcpy(&type, in_.data() + at + sizeof length, sizeof type);
  return length;
}

Wire::Next Wire::next(Frame& type, std::string_view& body) {
  const size_t length = frame_at(begin_, type);
  if (length == std::string::npos) return Next::broken;
  if (length == 0) return Next::none;
  body = {in_.data() + begin_ + kHead, length - kHead};
  begin_ += length;
  return Next::frame;
}

Wire::Next Wire::extract(Frame wanted, std::string& body) {
  for (size_t at = begin_;;) {
    Frame type{};
    const size_t length = frame_at(at, type);
    if (length == std::string::npos) return Next::broken;
    if (length == 0) return Next::none;
    if (type == wanted) {
      body.assign(in_.data() + at + kHead, length - kHead);
      const auto from = in_.begin() + static_cast<ptrdiff_t>(at);
      std::copy(from + static_cast<ptrdiff_t>(length), in_.begin() + static_cast<ptrdiff_t>(end_), from);
      end_ -= length;
      return Next::frame;
    }
    at += length;
  }
}

}  // namespace dtud::plugins::isolation
