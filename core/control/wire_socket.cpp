#include "control/wire_socket.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace dtud::control {
namespace {

int milliseconds_until(WireSocket::Clock::time_point deadline) {
  constexpr int longest = 3'600'000;
  const auto now = WireSocket::Clock::now();
  if (deadline <= now) return 0;
  if (deadline - now > std::chrono::milliseconds(longest)) return longest;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count());
}

int second_handle(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw Poco::IOException("cannot duplicate a descriptor: " + std::generic_category().message(errno));
  return copy;
}

}  // namespace

WireSocket::WireSocket(int connected) : StreamSocketImpl(second_handle(connected)) {}

bool WireSocket::wait(short events, Clock::time_point deadline) {
  for (;;) {
    pollfd p{fd(), events, 0};
    const int n = ::poll(&p, 1, milliseconds_until(deadline));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) throw Poco::IOException("poll: " + std::generic_category().message(errno));
    if (Clock::now() >= deadline) return false;
  }
}

void WireSocket::too_late(const char* what) {
  late_ = true;
  throw Poco::TimeoutException(what);
}

int WireSocket::sendBytes(const void* buffer, int length, int flags) {
  const auto* from = static_cast<const char*>(buffer);
  int sent = 0;
  if (late_) too_late("the other end was too slow");
  while (sent < length) {
    const auto n = ::send(fd(), from + sent, static_cast<size_t>(length - sent), flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<int>(n);
    } else if (errno == EAGAIN) {
      if (!wait(POLLOUT, deadline_)) too_late("the other end does not read");
    } else if (errno == EPIPE || errno == ECONNRESET) {
      throw Poco::Net::ConnectionAbortedException("the other end closed the connection");
    } else if (errno != EINTR) {
      throw Poco::IOException("send: " + std::generic_category().message(errno));
    }
  }
  return sent;
}

int WireSocket::receiveBytes(void* buffer, int length, int flags) {
  if (allowance_ == 0) throw Poco::Net::MessageException("the request is too long");
  const size_t want = std::min(allowance_, static_cast<size_t>(std::max(length, 0)));
  for (;;) {
    // The deadline first: data that is always there must not postpone it.
    if (late_ || Clock::now() >= deadline_) too_late("the other end is too slow");
    const auto n = ::recv(fd(), buffer, want, flags | MSG_DONTWAIT);
    if (n >= 0) {
      allowance_ -= static_cast<size_t>(n);
      return static_cast<int>(n);
    }
    if (errno == EAGAIN) {
      if (!wait(POLLIN, deadline_)) too_late("the other end does not send");
    } else if (errno == ECONNRESET) {
      return 0;  // as good as an end
    } else if (errno != EINTR) {
      throw Poco::IOException("recv: " + std::generic_category().message(errno));
    }
  }
}

bool WireSocket::poll(const Poco::Timespan& timeout, int mode) {
  if (late_) return true;  // to hear of it from receiveBytes
  const auto until = std::min(deadline_, Clock::now() + std::chrono::microseconds(timeout.totalMicroseconds()));
  const bool write = (mode & SELECT_WRITE) != 0;
  return wait(write ? POLLOUT : POLLIN, until);
}

}  // namespace dtud::control
