// Programs that dtud starts.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace dtud {

struct Program {
  struct Given {
    int ours, theirs;
  };
  std::vector<std::string> arguments;  // the first is the program's path
  std::vector<Given> descriptors;      // the only ones it gets, with standard error and what is not close-on-exec
  bool own_group = false;              // so that kill(-pid) ends also what it starts
};

// Starts it with the signals as programs expect them: dtud blocks some and ignores others. Without a descriptor for its
// standard input it gets /dev/null. 0, and its pid, which the caller waits for; else an errno. [any]
[[nodiscard]] int spawn(const Program& program, pid_t& pid);

}  // namespace dtud
