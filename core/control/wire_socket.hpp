// A connected Unix stream socket for Poco's HTTP classes whose every receive and send ends by a deadline, however
// slowly the other end trickles, and that takes in no more than it was allowed to. Used by the server and by dtuctl.
#pragma once
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>

#include <chrono>
#include <cstddef>

namespace dtud::control {

class WireSocket : public Poco::Net::StreamSocketImpl {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WireSocket(int connected);  // works on a duplicate of the descriptor

  void set_deadline(Clock::time_point deadline) { deadline_ = deadline; }
  void set_allowance(size_t bytes) { allowance_ = bytes; }  // how much may still be received; more is an exception
  [[nodiscard]] int fd() const { return sockfd(); }

  // Poco's face. Time-outs throw Poco::TimeoutException.
  using StreamSocketImpl::receiveBytes;
  using StreamSocketImpl::sendBytes;
  int sendBytes(const void* buffer, int length, int flags = 0) override;
  int receiveBytes(void* buffer, int length, int flags = 0) override;
  bool poll(const Poco::Timespan& timeout, int mode) override;
  Poco::Net::SocketAddress address() override { return {}; }      // nobody asks, and Poco takes some
  Poco::Net::SocketAddress peerAddress() override { return {}; }  // Unix addresses for others by their length

 protected:
  ~WireSocket() override = default;
  // Until `events` (POLLIN, POLLOUT) or the deadline; false at the deadline.
  virtual bool wait(short events, Clock::time_point deadline);

 private:
  [[noreturn]] void too_late(const char* what);

  Clock::time_point deadline_ = Clock::time_point::max();
  size_t allowance_ = SIZE_MAX;
  bool late_ = false;  // a deadline was missed: nothing goes any more, whatever Poco's streams try when they are closed
};

// The socket as Poco passes it about: a counted reference.
class WireStream : public Poco::Net::StreamSocket {
 public:
  explicit WireStream(WireSocket* socket) : StreamSocket(socket) { socket->duplicate(); }  // shares it
};

}  // namespace dtud::control
