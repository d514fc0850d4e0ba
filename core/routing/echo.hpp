// Takes what a port sent itself off what it receives, on a line where the receiver hears the sender (RS-485 with two
// wires). One message at a time: the next is sent when the echo of the one before has come, or has not.
//
// Exactly the bytes sent are taken off. If what comes differs, all of it is passed on as it came, and the collision is
// counted: it may be a frame of another sender. So it is if the echo stays away.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace dtud::routing {

class Echo {
 public:
  struct Counters {
    uint64_t mismatches = 0;  // what came was not what was sent
    uint64_t missing = 0;     // nothing came, or not all of it
  };

  void expect(std::string_view sent) {
    sent_.assign(sent);
    matched_ = 0;
  }
  [[nodiscard]] bool waiting() const { return !sent_.empty(); }
  // What of `read` is to be passed on; "" while it is an echo. Valid until the next call of any function here, or as
  // long as `read`.
  [[nodiscard]] std::string_view take(std::string_view read);
  // The echo did not come in time: what came of it is to be passed on. Valid as above.
  [[nodiscard]] std::string_view give_up();
  void forget();  // nobody waits for it: the line is gone, or what was sent was discarded
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  std::string sent_;    // "": nothing is expected
  size_t matched_ = 0;  // bytes of it came back
  std::string passed_on_;
  Counters counters_;
};

}  // namespace dtud::routing
