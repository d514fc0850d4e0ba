// Says on disk which plugin file dtud is just opening, so that the next start knows which one dtud died of. A file that
// is written in place and not synced: it is for the end of a process, not of the board's power.
#pragma once
#include <string>

#include "lanes/descriptor.hpp"

namespace dtud::plugins {

class OpeningMark {
 public:
  // Takes hold of the file; of two processes the second has no mark. Returns what stood in it: the words of a process
  // that ended in the middle, "" mostly. No file can be made: there is no mark.
  [[nodiscard]] std::string take(const std::string& file);
  void set(const std::string& words);  // one line
  void clear();

 private:
  Descriptor file_;
};

}  // namespace dtud::plugins
