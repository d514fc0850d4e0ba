// How a port's line runs beside its data: settings and signals, as configured, as somebody asked for a while, and as
// they are. Plain state, which Router works on. Main lane.
#pragma once
#include <dtu/ports.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace dtud::plugins {
class Instance;
}

namespace dtud::routing {

// Who asked: a session of a dialect (link), an instance for itself, or nobody that ends before the port does.
struct LineAsker {
  const plugins::Instance* instance = nullptr;
  uint64_t link = 0;
  friend bool operator==(const LineAsker& a, const LineAsker& b) {
    return a.instance == b.instance && a.link == b.link;
  }
};

// What is to be otherwise than configured.
struct LineWish {
  std::optional<uint32_t> baud, databits, parity, stopbits, flow;  // as dtu_port_settings
  uint32_t mask = 0, signals = 0;                                  // DTU_SIGNAL_DTR, _RTS, _BREAK
  [[nodiscard]] bool empty() const { return !baud && !databits && !parity && !stopbits && !flow && mask == 0; }
};

struct LineState {
  dtu_port_settings settings{};
  uint32_t known = 0, signals = 0;  // DTU_SIGNAL_...: those that could be read, and which of them are on
};
// `why` is "" unless the status is a failure.
using LineDone = std::function<void(dtu_status status, const std::string& why, const LineState& state)>;

struct LineControl {
  // Made when so many messages have left the queue of the port, and the line is empty.
  struct Change {
    uint64_t after = 0;
    std::optional<dtu_port_settings> settings;
    uint32_t mask = 0, signals = 0;
    LineDone done;        // null: nobody waits
    uint64_t number = 0;  // then: for Router::withdraw()
    LineAsker by;         // then: who, what of, and what its layer was before and is with it
    LineWish wish, before, now;
    bool reset = false;
    bool made = false;                // only the signals have to be read
    int64_t look_ns = 0, end_ns = 0;  // then: when, and until when
  };
  struct Layer {
    LineAsker by;
    LineWish wish;
  };
  std::deque<Change> changes;
  uint64_t last_number = 0;
  bool changing = false;         // the HAL is making one, on another lane
  std::vector<Layer> layers;     // the last one counts most
  dtu_port_settings in_force{};  // as far as the HAL did not say otherwise; baud 0: the port is not open
  dtu_port_settings before{};    // in force before the last change
};

}  // namespace dtud::routing
