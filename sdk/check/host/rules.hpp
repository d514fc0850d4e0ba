// The rules a host can see broken from its side of the tables. sdk/check/rules.cpp says of each where it is written.
#pragma once

namespace dtu::host::rules {

inline constexpr char after_destroy[] = "calls.after-destroy";
inline constexpr char after_stop[] = "calls.after-stop";
inline constexpr char in_create[] = "calls.in-create";
inline constexpr char thread[] = "calls.thread";
inline constexpr char arguments[] = "calls.arguments";
inline constexpr char caller[] = "calls.caller";
inline constexpr char metric[] = "calls.metric";
inline constexpr char state[] = "calls.state";
inline constexpr char foreign[] = "life.two-instances";  // something of one instance reached another
inline constexpr char closed_watched[] = "leak.watched-descriptor";
inline constexpr char leak_timers[] = "leak.timers";
inline constexpr char leak_buffers[] = "leak.buffers";
inline constexpr char buffer_count[] = "data.buffer-count";
inline constexpr char emit_buffer[] = "emit.buffer";
inline constexpr char taken[] = "data.taken";
inline constexpr char completed_twice[] = "data.twice";
inline constexpr char unknown_token[] = "data.unknown-token";
inline constexpr char completion_status[] = "data.completion-status";
inline constexpr char open_at_down[] = "data.open-at-down";
inline constexpr char reply_twice[] = "reply.twice";
inline constexpr char event_name[] = "events.name";
inline constexpr char event_flood[] = "events.flood";
inline constexpr char event_object[] = "events.object";
inline constexpr char link_closed[] = "dialect.after-close";
inline constexpr char scripted[] = "";  // the test itself is at fault

}  // namespace dtu::host::rules
