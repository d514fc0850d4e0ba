// What plugins ask of the kernel above this folder: routing and commands implement it. Functions run on the main
// lane, unless they say otherwise; calls that plugins make from other threads arrive here through the inbox.
#pragma once
#include <dtu/services.h>

#include <cstdint>
#include <functional>
#include <string_view>

namespace dtud::plugins {

class Instance;
using CommandSink = void (*)(void* ctx, dtu_str provider, const dtu_command_info*);

// A request through dtu.invoke/1. The callbacks of dtu_request and its like are not looked at: they are Requests'.
struct Asking {
  uint64_t number = 0;  // the asker's own, for cancel()
  // The answer, once, on the main lane, at any time, also within the call that asks. Not when that call fails.
  std::function<void(const dtu_answer&)> told;
};

class Upcalls {
 public:
  virtual ~Upcalls() = default;

  // Life cycle. stopping() comes before the plugin's stop() or destroy(), the last chance to call it. After stopped()
  // every token, call and key of this run of the instance is void.
  virtual void started(Instance&) = 0;
  virtual void stopping(Instance&) = 0;
  virtual void stopped(Instance&) = 0;
  virtual void state_changed(Instance&, uint64_t source, int32_t state, const dtu_error*) = 0;

  // Data; see dtu_host.
  virtual dtu_status emit(Instance&, const dtu_msg*, uint32_t n, uint32_t* taken) = 0;
  virtual void complete(Instance&, uint64_t token, dtu_status) = 0;
  virtual void writable(Instance&, uint64_t source) = 0;

  // Of one that is not crowded any more (Instance::crowded).
  virtual void has_room(Instance&) {}
  // A session that was opened turned out to be refused: isolated dialects answer late.
  virtual void session_refused(Instance&, uint64_t /*link*/, const dtu_error&) {}

  // dtu.link/1
  virtual dtu_status to_port(Instance&, uint64_t link, const dtu_msg&) = 0;
  virtual dtu_status to_channel(Instance&, uint64_t link, uint32_t channel, const dtu_msg&) = 0;
  virtual void drop(Instance&, uint64_t link, std::string_view reason, uint64_t bytes) = 0;
  virtual dtu_status discard(Instance&, uint64_t /*link*/, uint32_t /*which*/, uint64_t* /*bytes*/) {
    return DTU_E_NOT_FOUND;
  }
  virtual dtu_status set_line(Instance&, uint64_t /*link*/, const dtu_line&, dtu_error*) { return DTU_E_NOT_FOUND; }

  // Calls; see dtu_host::reply and dtu.invoke/1.
  virtual dtu_status reply(Instance&, const dtu_reply&) = 0;  // whole: every member is there
  virtual dtu_status invoke(Instance&, const dtu_request&, Asking, dtu_error*) = 0;
  virtual dtu_status read_point(Instance&, const dtu_point_request&, Asking, dtu_error*) = 0;
  virtual dtu_status write_point(Instance&, const dtu_point_request&, Asking, dtu_error*) = 0;
  virtual dtu_status await_point(Instance&, const dtu_point_request&, Asking, dtu_error*) = 0;
  // Nobody waits for that answer any more; one that is not under way is nobody's mistake: it may just have come.
  virtual void cancel(Instance&, uint64_t number) = 0;
  // The answer comes when the answers given so far have left, or when the time is over.
  virtual void after_answers(Instance&, uint32_t deadline_ms, Asking) = 0;
  // On the lane of whoever asks.
  virtual dtu_status list_points(std::string_view prefix, void (*each)(void*, const dtu_point_info*), void* ctx) = 0;
  virtual dtu_status list_commands(std::string_view prefix, CommandSink each, void* ctx) = 0;
};

}  // namespace dtud::plugins
