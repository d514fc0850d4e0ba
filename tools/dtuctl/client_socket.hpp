// The client's end of the control socket: stops for signals, and shows that it waits.
#pragma once
#include <string>

#include "control/wire_socket.hpp"
#include "lanes/descriptor.hpp"

namespace dtuctl {

// SIGINT and SIGTERM as a readable descriptor instead of an end of the process, for its lifetime.
class Interrupts {
 public:
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  dtud::Descriptor fd_;
};

class ClientSocket : public dtud::control::WireSocket {
 public:
  // `interrupts`: a descriptor that is readable when the user has had enough; -1: none.
  ClientSocket(int connected, bool progress, int interrupts)
      : WireSocket(connected), progress_(progress), interrupts_(interrupts) {}

  [[nodiscard]] bool timed_out() const { return timed_out_; }
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  void quiet() { progress_ = false; }
  int sendBytes(const void* buffer, int length, int flags = 0) override;

 protected:
  ~ClientSocket() override;
  bool wait(short events, Clock::time_point deadline) override;

 private:
  void dot();
  bool progress_;
  bool dots_ = false;
  int interrupts_;
  bool timed_out_ = false;
  bool interrupted_ = false;
};

// Connects, or throws the Failure that says why not and what to do.
[[nodiscard]] dtud::Descriptor connect_to(const std::string& path, ClientSocket::Clock::time_point deadline);

}  // namespace dtuctl
