// What a plugin may use while it is being probed.
#pragma once

namespace dtu_plugin_probe {

// For reading and hashing: no core file, ends with dtud's thread that asked.
void limit_this_process();
// For running code of a plugin: memory, descriptors, no file may grow, and so many seconds of the processor from now
// on.
void limit_for_plugin(unsigned cpu_s);

}  // namespace dtu_plugin_probe
