// Host names to addresses without stopping the lane. The system's resolver blocks, so a look-up has a thread.
// Destroying a Resolver waits for a look-up under way, and the look-up bounds itself (see system_lookup).
#pragma once
#include <cstdint>
#include <dtu/sdk.hpp>
#include <dtu/sdk/worker.hpp>
#include <functional>
#include <string>
#include <vector>

#include <dtu/kit/net/socket.hpp>

namespace net {

struct Resolved {
  std::vector<Address> addresses;  // in the order to try them; empty: see error
  std::string error;
};

// Blocks. Each name server gets two tries of 2 s at most, and a search domain asks all of them once more: 8 s when the
// only name server is silent. A name that is in a DNS cache or in /etc/hosts takes no time.
[[nodiscard]] Resolved system_lookup(const std::string& host, uint16_t port);

class Resolver {
 public:
  using Lookup = std::function<Resolved(const std::string& host, uint16_t port)>;
  using Done = std::function<void(const Resolved&)>;
  Resolver(dtu::Host host, Lookup lookup, Done done);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Only while !busy(). done() comes later from the loop.
  void start(const std::string& host, uint16_t port);
  [[nodiscard]] bool busy() const { return busy_; }

 private:
  void finished(const dtu::Worked<Resolved>& result, const std::string& host);

  Lookup lookup_;
  Done done_;
  bool busy_ = false;
  dtu::Worker worker_;
};

}  // namespace net
