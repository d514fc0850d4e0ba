// The workloads, one subcommand each. A workload prints one JSON object and returns the exit code.
#pragma once
#include "options.hpp"

namespace bench {

// TCP -> port -> TCP, one message at a time. --master FD --tcp FD --count N [--size 64] [--pids a,b]
int run_pingpong(const Options&);
// One direction, content checked. --master FD --tcp FD --bytes N --to serial|tcp
int run_stream(const Options&);
// Lines into the port, counted and timed at an MQTT subscriber. --master FD --broker PORT --topic T --count N
// and --rate PER_SECOND or --window MESSAGES; [--pids a,b]
int run_lines(const Options&);
// From exec to the first byte through a fresh gateway, TCP to port. --master FD --port P -- COMMAND...
int run_first_byte(const Options&);
// From exec to the first MQTT message. --master FD --broker PORT --topic T -- COMMAND...
int run_first_message(const Options&);
// Keeps the CPUs from halting. --seconds N
int run_keep_awake(const Options&);

}  // namespace bench
