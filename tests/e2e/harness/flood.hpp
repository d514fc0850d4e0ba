// A sender that writes numbered messages into a line as fast as it takes them, on a thread of its own.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>

#include "pty.hpp"

namespace e2e {

class Flood {
 public:
  Flood(Pty& pty, char source, size_t length);
  ~Flood();
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  // Asks it to end with a whole message; it may have to wait for room before it has.
  void end() { ending_ = true; }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] uint32_t sent() const { return sent_; }  // messages, whole ones

 private:
  void run();
  Pty& pty_;
  const char source_;
  const size_t length_;
  std::atomic<bool> ending_{false}, abandoned_{false}, done_{false};
  std::atomic<uint32_t> sent_{0};
  std::thread thread_;
};

}  // namespace e2e
