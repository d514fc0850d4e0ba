// Ports, channels and the links between them: plain state, which Router works on. Main lane.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "config/documents.hpp"
#include "plugins/instance.hpp"
#include "routing/echo.hpp"
#include "routing/line.hpp"
#include "routing/outbox.hpp"
#include "routing/packetizer.hpp"
#include "routing/ring.hpp"
#include "routing/suspicion.hpp"

namespace dtud::routing {

class Router;
struct Link;

struct Traffic {
  uint64_t rx_messages = 0, rx_bytes = 0, tx_messages = 0, tx_bytes = 0;
};

// Who emits: what plugins::Instance::tenant points to.
struct Tenant {
  virtual ~Tenant() = default;
};

// It answered that it takes no more, and waits for writable() or to be up again.
struct Full {
  bool is = false;
  bool tried_again = false;  // by LostRoom, and not answered yet
  int64_t since_ns = 0;
  explicit operator bool() const { return is; }
  void set(bool full, int64_t now_ns) { *this = {full, false, now_ns}; }
  void clear() { *this = {}; }
  void try_again() { *this = {false, true, 0}; }
};

struct Channel : Tenant {
  Channel(uint32_t number, OutboxLimits limits)
      : id(number), name("channel " + std::to_string(number)), outbox(limits) {}

  const uint32_t id;
  const std::string name;  // "channel 3"
  config::ChannelConfig config;
  plugins::InstancePtr instance;
  Outbox outbox;
  Suspicion suspicion;
  std::array<int64_t, kRejections> rejection_logged_ns{};  // by reason; 0: never
  Link* link = nullptr;
  Router* router = nullptr;
  uint64_t retry_timer = 0;
  struct Oldest {
    uint64_t token = 0;  // 0: nothing in flight
    int64_t since_ns = 0;
  };
  std::array<Oldest, 2> oldest;  // data and answers in flight at the last look of Completions
  Traffic traffic;               // rx: from the remote end
  Full full;
  bool connected = false;      // it carried at the last report of its state
  bool registered = false;     // its instance has sent its registration message (D13) once
  bool registering = false;    // nothing goes out before the registration message
  bool connect = false;        // was told to, although auto_connect is 0
  bool dirty = false;          // is in the router's list of channels to serve
  bool paused = false;         // a message failed while the channel says it is up: a breath before the next try
  bool sending = false;        // a batch is under way
  bool room_told = false;      // writable() or report(UP) came meanwhile: the answer to the batch may be older than it
  bool owes_writable = false;  // an emit of its was answered DTU_AGAIN
  bool counted_blocked = false;
  bool held = false;  // its instance is being replaced (Handover): nothing more is sent
  int64_t grace = 0;  // so many bytes of its are still taken although the port is crowded
  [[nodiscard]] bool carries() const {
    return instance != nullptr && instance->alive() &&
           (instance->state() == DTU_STATE_UP || instance->state() == DTU_STATE_DEGRADED);
  }
};

// Why a message for a port was dropped.
enum class PortDrop : uint8_t { full, expired, refused, no_memory, no_link, discarded };
constexpr size_t kPortDrops = 6;
[[nodiscard]] const char* name_of(PortDrop reason);

struct Port {
  explicit Port(std::string number) : id(std::move(number)), name("port " + id) {}

  static constexpr uint32_t kMostMessages = 1024;
  static constexpr uint64_t kMostBytes = 256U << 10U;

  const std::string id;
  const std::string name;  // "port 1"
  config::PortConfig config;
  std::string device;
  plugins::Instance* hal = nullptr;           // null: no HAL offers it
  void* handle = nullptr;                     // the HAL's name for it; null: not open
  const plugins::Instance* writer = nullptr;  // whose write() is under way while `writing`
  uint64_t key = 0;                           // our name for it
  int32_t state = DTU_STATE_CONNECTING;
  std::string error;
  dtu_status error_code = DTU_OK;
  bool holds = false;  // DTU_PORT_HOLDS
  struct Queued {
    KeptMessage message;
    uint64_t token = 0;     // of the session: it follows the message
    int64_t latest_ns = 0;  // it is not begun after that; 0: whenever
  };
  Ring<Queued> queue;  // to be written
  size_t shown = 0;    // so many of its first are being shown to the HAL, or are with the process of an isolated one
  size_t doomed = 0;   // so many of those were discarded meanwhile
  uint64_t left = 0;   // messages that left the queue so far
  LineControl control;
  // What the HAL took and may not be on the wire yet, as far as somebody wants to know.
  struct Line {
    uint64_t token = 0;    // of the last message that it took, told of when that is out
    bool busy = false;     // it took something since it was drained
    bool awaited = false;  // nothing more is written until it is drained
    bool asking = false;   // it is being asked, on another lane
    int64_t ask_ns = 0;    // it is asked again then
    int64_t pause_ns = 0;  // between two questions
  };
  Line line;
  Echo echo;
  bool echo_shown = false;     // its echo is expected, and the HAL has not said yet that it took it
  int64_t echo_end_ns = 0;     // until then it has to be there; 0: what was sent is not on the wire yet
  int64_t wire_end_ns = 0;     // the last bit leaves then at the earliest
  int64_t quiet_until_ns = 0;  // nothing is begun before (gap_ms)
  uint64_t questions = 0;      // asked on another lane
  uint64_t timer = 0;          // 0: it is removed
  std::string unfinished;      // what the last session had of a frame, for the next one of that dialect
  std::string unfinished_of;
  uint64_t queued_bytes = 0;
  Link* link = nullptr;
  Router* router = nullptr;
  Traffic traffic;              // rx: from the line
  uint64_t partial_frames = 0;  // of a raw port with packet.length: ended by silence
  std::array<uint64_t, kPortDrops> drops{};
  Full full;
  bool dirty = false, writing = false, room_told = false, owes_writable = false;  // as a channel's
  bool held = false;  // its HAL is being replaced (Handover): nothing more is written, and nothing is dropped for that
  int64_t grace = 0;  // so many bytes of its are still taken although the link is blocked

  [[nodiscard]] dtu_port_settings configured() const;
  // How long so many bytes take on the line as it runs now.
  [[nodiscard]] int64_t duration_ns(uint64_t bytes) const;
  // The next message is begun only when the one before is on the wire.
  [[nodiscard]] bool paced() const { return config.gap_ms != 0 || config.echo; }
  // What ends a message of a raw port that is not complete.
  [[nodiscard]] int64_t silence_ns() const;
  uint64_t& dropped(PortDrop reason) { return drops.at(static_cast<size_t>(reason)); }
  [[nodiscard]] uint64_t dropped() const { return std::accumulate(drops.begin(), drops.end(), uint64_t{0}); }
  // Whoever sends to it can be asked to wait: it is up, or will be in a moment.
  [[nodiscard]] bool awaited() const { return held || state == DTU_STATE_UP; }
  [[nodiscard]] bool crowded() const { return queue.size() >= kMostMessages || queued_bytes >= kMostBytes; }
  [[nodiscard]] bool overcrowded() const { return queue.size() >= 2 * kMostMessages || queued_bytes >= 2 * kMostBytes; }
};

struct Link {
  Router* router = nullptr;
  uint64_t id = 0;
  Port* port = nullptr;  // null: its channels serve commands only
  std::string dialect;
  std::vector<Channel*> channels;        // by id
  plugins::Instance* speaker = nullptr;  // the dialect's instance; null: raw
  void* session = nullptr;
  std::unique_ptr<Packetizer> packetizer;  // raw
  uint64_t idle_timer = 0;                 // raw with an idle gap
  uint32_t blocked_channels = 0;           // full ones whose policy is to block
  bool held = false;                       // its speaker is being replaced (Handover)
  struct Drops {
    uint64_t messages = 0, bytes = 0;
  };
  std::map<std::string, Drops, std::less<>> drops;  // by reason
  struct Fate {
    uint64_t token;
    uint32_t channel;  // 0: of the port
    dtu_status status;
    std::string reason;
  };
  std::vector<Fate> fates;  // of messages that its session follows, not told yet

  [[nodiscard]] bool raw() const { return packetizer != nullptr; }
  // Its dialect can be told nothing now.
  [[nodiscard]] bool deaf() const { return held || (!raw() && (session == nullptr || speaker->crowded())); }
  // Nothing may be taken from its port now.
  [[nodiscard]] bool blocked() const { return blocked_channels != 0 || deaf(); }
};

}  // namespace dtud::routing
