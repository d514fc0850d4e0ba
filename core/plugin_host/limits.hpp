// What the process of an isolated instance may use. Before anything of the plugin's runs.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

namespace dtud::host {

// No core files, few descriptors, small stacks for threads, nothing open that is not ours; it ends when `parent` does,
// and goes first when memory is short. False: the parent is gone already.
[[nodiscard]] bool confine(pid_t parent);

// Data, of all threads together; 0: no bound. What the plugin asks for beyond it is refused (std::bad_alloc, null).
// "" or why it is not bounded.
[[nodiscard]] std::string limit_memory(uint32_t mib);

}  // namespace dtud::host
