// One dtud per folder: a lock (flock) on FOLDER/dtud.lock, held as long as the object lives. A program that dtud starts
// does not inherit it; a dtud that restarts itself takes it again.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "lanes/descriptor.hpp"

namespace dtud {

class RunLock {
 public:
  struct Taken {
    bool ok = true;       // false: another dtud holds the lock
    std::string problem;  // why not; or, with `ok`, why the folder cannot be locked at all
  };
  // Waits up to a second: a child of a dtud that was killed may hold the lock until it runs its own program. A folder
  // whose lock is held already by this object is fine.
  [[nodiscard]] Taken take(const std::string& folder);

 private:
  struct Held {
    Descriptor file;
    dev_t device;
    ino_t inode;
  };
  std::vector<Held> held_;
};

}  // namespace dtud
