// What a TestHost writes down: plain copies, so a test may look at them whenever it likes.
#pragma once
#include <dtu/services.h>

#include <deque>
#include <map>
#include <optional>
#include <string>

namespace dtu::host {

struct Message {
  std::string payload = {};
  std::string route = {};
  uint64_t source = 0;
  uint64_t token = 0;  // to send: 0 = the next free one
  uint32_t flags = 0;
  int64_t time_ns = 0;
  std::map<std::string, std::string> props = {};  // all have initialisers: {"payload", "route"} is enough
  std::string device = {};
  int64_t latest_ns = 0;
};

// `by` is Instance::handle() of the instance that called.
struct Emitted : Message {
  dtu_instance* by = nullptr;
};
struct Completion {
  dtu_instance* by;
  uint64_t token;
  dtu_status status;
};
struct Report {
  dtu_instance* by;
  uint64_t source;
  int32_t state;
  dtu_status code;  // of the error; DTU_OK when none came along
  uint32_t flags;
  std::string text;
  uint32_t protocol_code = 0;  // of the error
};
struct LogLine {
  dtu_instance* by;
  int32_t level;
  std::string text;
};
struct Reply {
  dtu_instance* by;
  uint64_t call;
  dtu_status status;
  std::string json;
  std::string error;  // text of the error, "" when none came along
  uint32_t flags = 0;
  uint32_t protocol_code = 0;
  uint32_t age_ms = 0;  // of a point's value
  bool stale = false;
};
struct Writable {
  dtu_instance* by;
  uint64_t source;
};
struct LinkWrite : Message {
  dtu_instance* by = nullptr;
  uint64_t link = 0;
  uint32_t channel = 0;  // 0: to the port
};
// A call of discard (which) or of set_line (line).
struct LineCall {
  dtu_instance* by;
  uint64_t link;
  uint32_t which;
  std::optional<dtu_line> line;
};
struct Drop {
  dtu_instance* by;
  uint64_t link;
  std::string reason;
  uint64_t bytes;
};

// Told through dtu.events/1.
struct Published {
  dtu_instance* by;
  std::string name, json;
};
// An event on its way to those who subscribed.
struct Told {
  std::string name, json;
  std::string source = "kernel";
  uint32_t flags = 0;  // DTU_EVENT_STATE, DTU_EVENT_GONE
  uint64_t seq = 0;    // the host's
};

// Asked through dtu.invoke/1.
struct Request {
  enum class Kind { command, read_point, write_point, await_point };
  Kind kind = Kind::command;
  dtu_instance* by = nullptr;
  uint64_t id = 0;   // for TestHost::answer
  std::string name;  // of the command or the point; "" when asked by code
  int64_t code = -1;
  std::string args;  // of a command; the value of write_point; the one await_point has
  std::optional<std::string> password;
  uint32_t deadline_ms = 0;
  uint32_t caller = 0;  // DTU_CALLER_..., and what goes with each
  uint64_t link = 0, peer = 0, for_call = 0;
  uint32_t channel = 0;
  std::string remote = {};
};
struct Answer {
  dtu_status status = DTU_OK;
  std::string json;
  std::string error = {};  // the text, when status is a failure
  uint32_t flags = 0;      // of the error
  uint32_t protocol_code = 0;
  uint32_t age_ms = 0;  // of a point's value
  bool stale = false;
};

// Everything in the order in which it was called.
struct Records {
  std::deque<Emitted> emitted;
  std::deque<Completion> completions;
  std::deque<Report> reports;
  std::deque<LogLine> logs;
  std::deque<Reply> replies;
  std::deque<Writable> writables;
  std::deque<LinkWrite> link_writes;
  std::deque<LineCall> line_calls;
  std::deque<Drop> drops;
  std::deque<Request> requests;
  std::deque<Published> events;
  std::deque<std::string> misbehaviour;
};

}  // namespace dtu::host
