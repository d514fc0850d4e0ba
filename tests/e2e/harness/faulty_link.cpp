#include "faulty_link.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace e2e {
namespace {

constexpr size_t kMostKept = 64U << 10U;

// on: drops every packet that comes for the socket before TCP has seen it. Off is a filter that lets all pass: qemu's
// user mode cannot take one away.
void drop_packets(int fd, bool on) {
  sock_filter verdict{BPF_RET | BPF_K, 0, 0, on ? 0U : UINT32_MAX};
  const sock_fprog filter{1, &verdict};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    throw std::runtime_error("no socket filter to be had");
}

// A port that is bound and not listened on: ours, and refused to whoever connects.
Descriptor bind_port(uint16_t& port) {
  Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof a;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&a), &length) != 0)
    throw std::runtime_error("cannot bind a port");
  port = ntohs(a.sin_port);
  return fd;
}

}  // namespace

FaultyLink::FaultyLink(uint16_t to, int receive_buffer)
    : to_(to), receive_buffer_(receive_buffer), hold_(bind_port(port_)) {
  listen();
  worker_.start([this] { turn(); });
}

FaultyLink::~FaultyLink() { worker_.stop(); }

void FaultyLink::listen() {
  server_.emplace(port_);
  if (receive_buffer_ != 0)
    ::setsockopt(server_->fd(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_, sizeof receive_buffer_);
}

// --- commands --------------------------------------------------------------------------------------------------------

void FaultyLink::swallow_all(bool on) {
  swallows_ = on;
  if (server_) drop_packets(server_->fd(), on);
  for (Connection& c : connections_)
    if (!c.silent && c.client.fd() >= 0) drop_packets(c.client.fd(), on);
}

void FaultyLink::pass() {
  worker_.run([this] {
    for (Connection& c : connections_)
      if (c.silent) cut(c);
    swallow_all(false);
    swallows_answers_ = false;
    speed_[0] = speed_[1] = {};
    new_ones_reset_.reset();
    if (!server_) listen();
  });
}

void FaultyLink::refuse() {
  worker_.run([this] { server_.reset(); });
}

void FaultyLink::reset() {
  worker_.run([this] {
    for (Connection& c : connections_) cut(c);
  });
}

void FaultyLink::swallow() {
  worker_.run([this] { swallow_all(true); });
}

void FaultyLink::swallow_answers() {
  worker_.run([this] { swallows_answers_ = true; });
}

void FaultyLink::half_open() {
  worker_.run([this] {
    for (Connection& c : connections_) {
      if (c.client.fd() < 0) continue;
      keep_acknowledged(c);
      c.silent = true;
    }
  });
}

void FaultyLink::slow(Way way, uint64_t bytes_per_second) {
  worker_.run([this, way, bytes_per_second] { speed_[static_cast<size_t>(way)] = {bytes_per_second}; });
}

void FaultyLink::reset_after(Way way, uint64_t bytes) {
  worker_.run([this, way, bytes] { new_ones_reset_ = {way, bytes}; });
}

// Nothing more comes from dtud: what its TCP knows to have arrived goes to the server, and then the end of the stream.
void FaultyLink::keep_acknowledged(Connection& c) {
  if (c.client.fd() < 0) return;
  drop_packets(c.client.fd(), true);
  if (!c.up.ended && !c.up.reset) read_some(c.client.fd(), c.up.kept);
  c.up.ended = c.down.ended = c.down.end_told = true;
  c.down.kept.clear();
}

void FaultyLink::cut(Connection& c) {
  if (c.client.fd() < 0) return;
  keep_acknowledged(c);
  c.silent = false;
  c.client.reset();
  ++resets_;
}

// --- one turn --------------------------------------------------------------------------------------------------------

bool FaultyLink::wants_to_read(const Stream& stream, Way way) const {
  if (stream.ended || stream.kept.size() >= kMostKept || swallows_ || (way == Way::down && swallows_answers_))
    return false;
  return speed_[static_cast<size_t>(way)].bytes_per_second == 0 || stream.allowance >= 1;
}

void FaultyLink::turn() {
  std::vector<pollfd> waits{{worker_.wake_fd(), POLLIN, 0}, {server_ ? server_->fd() : -1, POLLIN, 0}};
  bool slow = false;
  // A descriptor nobody asks for would be reported again and again once its other end hung up.
  const auto wait = [&waits](int fd, bool in, bool out) {
    const auto events = static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0));
    waits.push_back({events != 0 ? fd : -1, events, 0});
  };
  for (const Connection& c : connections_) {
    const bool silent = c.silent || c.client.fd() < 0;
    wait(c.client.fd(), !silent && wants_to_read(c.up, Way::up), !silent && !swallows_ && !c.down.kept.empty());
    // The server of one that is cut may go on talking until it has read the end: read and forgotten.
    wait(c.server.fd(), silent ? c.up.end_told : wants_to_read(c.down, Way::down), !c.up.kept.empty());
    slow =
        slow || (!c.up.ended && speed_[0].bytes_per_second != 0) || (!c.down.ended && speed_[1].bytes_per_second != 0);
  }
  ::poll(waits.data(), waits.size(), slow ? 5 : -1);
  fill_allowances();
  if ((waits[1].revents & POLLIN) != 0) accept();
  for (Connection& c : connections_) {
    move(c, Way::up);
    move(c, Way::down);
    if (c.gone) {
      cut(c);
      c.server.close();
    }
  }
  connections_.erase(
      std::remove_if(connections_.begin(), connections_.end(),
                     [](const Connection& c) { return c.server.fd() < 0 && (c.client.fd() < 0 || !c.silent); }),
      connections_.end());
}

void FaultyLink::fill_allowances() {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - filled_).count();
  filled_ = now;
  const auto fill = [seconds](Stream& stream, const Speed& speed) {
    const auto rate = static_cast<double>(speed.bytes_per_second);
    stream.allowance = std::min(stream.allowance + rate * seconds, std::max(1.0, rate / 10));
  };
  for (Connection& c : connections_) {
    fill(c.up, speed_[0]);
    fill(c.down, speed_[1]);
  }
}

void FaultyLink::accept() {
  Connection c{server_->accept(), TcpPeer(to_), {}, {}, false, false};
  if (c.client.fd() < 0) return;
  ++accepted_;
  if (c.server.fd() < 0) {
    c.client.reset();
    ++resets_;
    return;
  }
  if (swallows_) drop_packets(c.client.fd(), true);
  if (new_ones_reset_) (new_ones_reset_->first == Way::up ? c.up : c.down).reset = new_ones_reset_->second;
  connections_.push_back(std::move(c));
}

// False when that end is gone without having said so.
bool FaultyLink::read(Connection& c, Way way) {
  Stream& stream = way == Way::up ? c.up : c.down;
  const int from = way == Way::up ? c.client.fd() : c.server.fd();
  std::array<char, kMostKept> buffer;
  size_t most = buffer.size();
  const bool slow = speed_[static_cast<size_t>(way)].bytes_per_second != 0;
  if (slow) most = std::min(most, static_cast<size_t>(stream.allowance));
  if (stream.reset) most = std::min<size_t>(most, *stream.reset);
  if (most == 0) return true;
  const ssize_t n = ::recv(from, buffer.data(), most, MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) stream.ended = true;
  stream.kept.append(buffer.data(), static_cast<size_t>(n));
  if (slow) stream.allowance -= static_cast<double>(n);
  if (stream.reset) *stream.reset -= static_cast<uint64_t>(n);
  return true;
}

void FaultyLink::move(Connection& c, Way way) {
  Stream& stream = way == Way::up ? c.up : c.down;
  TcpPeer& to = way == Way::up ? c.server : c.client;
  if (c.gone || c.server.fd() < 0) return;
  if (c.client.fd() < 0 || c.silent) {
    if (way == Way::down) {
      std::string forgotten;
      if (c.up.end_told && !read_some(c.server.fd(), forgotten)) c.server.close();
      return;
    }
  } else if (wants_to_read(stream, way) && !read(c, way)) {
    if (way == Way::down) {
      c.gone = true;
      return;
    }
    cut(c);  // dtud is gone; what it said before is passed on
  }
  if (way == Way::down && swallows_) return;
  if (!stream.kept.empty()) {
    const ssize_t n = write_some(to.fd(), stream.kept);
    if (n < 0) {
      c.gone = true;
      return;
    }
    stream.kept.erase(0, static_cast<size_t>(n));
    (way == Way::up ? passed_up_ : passed_down_) += static_cast<uint64_t>(n);
  }
  if (!stream.kept.empty()) return;
  if (stream.reset && *stream.reset == 0) {
    stream.reset.reset();
    stream.ended = true;  // not a byte more
    cut(c);
    return;
  }
  if (stream.ended && !stream.end_told) {
    to.end_sending();
    stream.end_told = true;
  }
  if (c.up.end_told && c.down.end_told && c.client.fd() >= 0 && !c.silent) {
    c.client.close();
    c.server.close();
  }
}

}  // namespace e2e
