// Asks an NTP server for the time: looks its name up, asks its addresses one after the other. [lane]
#pragma once
#include <dtu/kit/net/resolver.hpp>
#include <dtu/sdk/host.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clock/sntp.hpp"
#include "clock/system_clock.hpp"

namespace hal_linux {

class SntpQuery {
 public:
  struct Result {
    SntpTime time;
    std::string server;  // "192.0.2.1:123"
    std::string error;   // "": there is a time
  };
  using Done = std::function<void(const Result&)>;  // once, from the loop; may not destroy this

  // At most 3 addresses are asked, 2 s each.
  SntpQuery(dtu::Host host, const SystemClock& clock, const std::string& server, uint16_t port,
            net::Resolver::Lookup lookup, Done done);
  SntpQuery(const SntpQuery&) = delete;
  SntpQuery& operator=(const SntpQuery&) = delete;

 private:
  void resolved(const net::Resolved& names);
  void ask_next();
  void readable();
  void next(const std::string& why);
  void end(const Result& result);

  dtu::Host host_;
  const SystemClock& clock_;
  const std::string server_;
  Done done_;
  std::vector<net::Address> addresses_;
  size_t at_ = 0;  // the address after the one asked
  net::Socket socket_;
  std::unique_ptr<dtu::FdWatch> watch_;  // after socket_: goes first
  dtu::Timer timer_;
  SntpNonce nonce_{};
  int64_t sent_ns_ = 0, asked_ns_ = 0;  // by the clock that is to be set, and by one that does not jump
  uint64_t foreign_ = 0;                // packets that answer another question
  std::string why_;                     // the last address gave no time
  net::Resolver resolver_;
};

}  // namespace hal_linux
