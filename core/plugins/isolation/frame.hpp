// What dtud and a plugin's process say to each other: frames on a stream socket. A frame is its length, its type, and
// values one after the other as the machine has them: both ends are one build on one machine. Whoever reads believes
// nothing: a plugin that writes where it should not may have written here.
#pragma once
#include <dtu/message.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace dtud::plugins::isolation {

constexpr uint32_t kVersion = 5;                                 // of the frames; both programs come from one build
constexpr uint32_t kHead = 8;                                    // length of the whole frame, type
constexpr uint32_t kMostFrame = (2U << 20U) + (64U << 10U);      // two texts of DTU_PAYLOAD_MAX and what is around them
constexpr uint32_t kMostProps = 16, kMostPropBytes = 4U << 10U;  // of a message; what is over is left out

// How much may be on its way to the other end, in costs (cost_of), before the sender waits; half of it is told at once.
constexpr uint32_t kSendMessages = 256;          // of a channel, given to it and not taken by the plugin
constexpr uint64_t kSendWindow = 256U << 10U;    // and in bytes
constexpr uint32_t kWriteMessages = 64;          // of a port
constexpr uint64_t kEmitWindow = 64U << 10U;     // of one source
constexpr uint64_t kDialectWindow = 64U << 10U;  // of all sessions
constexpr uint32_t kEventWindow = 64;            // events, and answers behind them, not told to the plugin yet

enum class Frame : uint32_t {
  // dtud to the child, whose instance is created and started by the first.
  setup = 1,      // version, name, plugin id, file, kind, type, configuration, kv folder, log threshold, MiB of memory
  stop,           // deadline_ms
  send,           // a message; a = token
  write,          // a message; a = port key
  consumed,       // source, bytes: what it emitted has been taken
  open_port,      // key, id, settings
  close_port,     // key
  ask_drained,    // key
  read_point,     // call, name
  write_point,    // call, name, json
  await_point,    // call, name, json
  cancel_point,   // call
  invoke,         // call, deadline_ms, name, args, caller: kind, number, peer, name
  cancel_invoke,  // call
  open_session,   // session, and a dtu_link_info
  close_session,  // session
  from_port,      // a message; a = session
  from_channel,   // a message; a = session, b = channel
  channel_state,  // session, channel, state, error
  answer,         // id, status, json, error: of an ask_...
  points,         // status, count, a text of (flags, name, unit, title)...: of ask_points
  commands,      // status, count, a text of (flags, count, codes..., provider, name, title, schema)...: of ask_commands
  ask_health,    // nothing
  ask_alive,     // nothing
  event,         // subscription, flags, name, source, seq, time, json, missed
  port_state,    // session, state, error
  fate,          // session, channel (0: the port), token, status, reason
  discard_port,  // key, DTU_DISCARD_...
  set_line,      // key, settings
  set_signals,   // key, mask, values
  ask_signals,   // key

  // The child to dtud.
  offer_command = 100,  // flags, name, title, schema, count, codes...
  offer_point,          // flags, name, unit, title
  offer_port,           // flags, id, device, title
  started,              // status, error: the offers are complete, or it cannot start
  stopped,              // nothing: the plugin is stopped and destroyed, the process ends
  report,               // source, state, error
  emit,                 // a message
  complete,             // token, status
  taken,                // key (0: the channel), messages, bytes: the plugin took them
  refused,              // key, bytes, error: the plugin can never write the oldest it has not taken
  port_opened,          // key, status, flags, error
  drained,              // key, 0 or 1
  reply,                // call, status, json, error
  session_refused,      // session, error
  heard,                // bytes of from_port and from_channel it has dealt with
  to_port,              // a message; a = link
  to_channel,           // a message; a = link, b = channel
  drop,                 // link, reason, bytes
  ask_command,          // id, caller, command, code, args, has password, password, deadline_ms, to, link, channel,
                        // peer, for_call, remote
  ask_read,             // id, point, json, deadline_ms
  ask_write,            // id, point, json, deadline_ms
  ask_points,           // prefix
  ask_commands,         // prefix
  metric,               // slot, kind, name, help
  log,                  // level, text
  health,               // json
  fault,                // kind, times since the last one of it, function, text, refused events in it
  alive,                // nothing: the answer to ask_alive
  publish,              // number of the event in the component's list, json
  subscribe,            // id, pattern
  unsubscribe,          // id
  events_told,          // how many events the plugin was told, or has left
  ask_await,            // id, point, json, deadline_ms
  ask_after_answers,    // id, deadline_ms
  cancel_ask,           // id
  discard,              // link, DTU_DISCARD_...
  change_line,          // link, baud, databits, stopbits, parity
  line_refused,         // key, error: the board did not make a change of settings or signals
  signals,              // key, status, known, values, error: of ask_signals
};

// What a message counts against a window: what it holds, and what is around it.
[[nodiscard]] inline uint64_t cost_of(const dtu_msg& msg) {
  return msg.payload.len + msg.route.len + msg.device.len + 64;
}

// Appends one frame to `out`; it is whole when this object is gone. One that grew longer than kMostFrame is taken back:
// the other end would take it for an attack.
class Writer {
 public:
  Writer(std::string& out, Frame type) : out_(out), begin_(out.size()) { number(uint32_t{0}).number(type); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    const size_t length = out_.size() - begin_;
    const auto said = static_cast<uint32_t>(length);
    if (length > kMostFrame)
      out_.resize(begin_);
    else
      std::memcpy(&out_[begin_], &said, sizeof said);
  }
  template <typename Number>
  Writer& number(Number value) {
    static_assert(std::is_arithmetic_v<Number> || std::is_enum_v<Number>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Writer& text(std::string_view text) {
    number(static_cast<uint32_t>(text.size()));
    out_.append(text);
    return *this;
  }
  Writer& text(dtu_str s) { return text(std::string_view(s.ptr, s.len)); }
  Writer& error(const dtu_error* error);  // null: there is none
  Writer& message(uint64_t a, uint32_t b, const dtu_msg& msg);

 private:
  std::string& out_;
  size_t begin_;
};

// A message as it was read; its views are into the frame.
struct MessageView {
  uint64_t a = 0;
  uint32_t b = 0;
  dtu_msg msg{};  // no owner
  dtu_prop props[kMostProps] = {};
};

// Takes the values of one frame's body. What is not there reads as 0 or "", and is remembered.
class Reader {
 public:
  explicit Reader(std::string_view body) : rest_(body) {}
  template <typename Number>
  Number number() {
    static_assert(std::is_arithmetic_v<Number>);
    Number value{};
    if (rest_.size() < sizeof value) return broken_ = true, value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  uint32_t u32() { return number<uint32_t>(); }
  uint64_t u64() { return number<uint64_t>(); }
  int32_t i32() { return number<int32_t>(); }
  std::string_view text(size_t longest = kMostFrame);
  bool error(dtu_error& to);  // false: there is none, and `to` is blank
  void message(MessageView& to);
  // All was there, and nothing is left.
  [[nodiscard]] bool whole() const { return !broken_ && rest_.empty(); }
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  std::string_view take(size_t length);
  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace dtud::plugins::isolation
