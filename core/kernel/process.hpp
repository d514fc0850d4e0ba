// What the process costs, as the operating system counts it.
#pragma once
#include <cstdint>

namespace dtud {

struct ProcessFacts {
  uint64_t rss_kib = 0;
  uint64_t threads = 0;
};
[[nodiscard]] ProcessFacts read_process_facts();

}  // namespace dtud
