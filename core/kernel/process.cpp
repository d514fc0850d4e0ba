#include "kernel/process.hpp"

#include <fstream>
#include <string>

namespace dtud {

ProcessFacts read_process_facts() {
  ProcessFacts facts;
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;) {
    if (key == "VmRSS:") status >> facts.rss_kib;
    if (key == "Threads:") status >> facts.threads;
    status.ignore(4096, '\n');
  }
  return facts;
}

}  // namespace dtud
