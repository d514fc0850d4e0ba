// Where a lane writes whom it calls and which function: two words, by plain stores. In memory of the lane's own, or in
// a page that outlives the process (CallPage).
#pragma once
#include <atomic>
#include <cstdint>

namespace dtud {

struct CallSlot {
  std::atomic<uint32_t> who{0};  // a number of CallPage; 0: nobody
  std::atomic<uint32_t> used{0};
  std::atomic<const char*> function{nullptr};
};

}  // namespace dtud
