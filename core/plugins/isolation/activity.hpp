// A page both processes see: what the plugin's process is doing, its last words, and its metrics. The child writes, and
// so may a plugin gone wild: dtud takes from it only numbers to show and a name to print.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace dtud::plugins::isolation {

constexpr size_t kMetrics = 384;

struct Activity {
  std::atomic<int64_t> began_ns{0};    // the turn in which the call it is in began, monotonic; 0: in none
  std::array<char, 56> function{};     // of that call: "send"
  std::array<char, 512> last_words{};  // what it could still say before it ended itself
  std::array<std::atomic<int64_t>, kMetrics> metrics{};

  void say(std::string_view words) {
    const size_t n = std::min(words.size(), last_words.size() - 1);
    std::memcpy(last_words.data(), words.data(), n);
    last_words[n] = '\0';
  }
};
static_assert(sizeof(Activity) <= 4096 && std::atomic<int64_t>::is_always_lock_free);

// Says for its lifetime which function of the plugin is being called. Null: nobody wants to know (dtud itself).
class Doing {
 public:
  Doing(Activity* activity, const char* function, int64_t now_ns) : activity_(activity) {
    if (activity_ == nullptr) return;
    before_ = activity_->function;
    began_ = activity_->began_ns.load(std::memory_order_relaxed);
    name(function);
    activity_->began_ns.store(now_ns, std::memory_order_relaxed);
  }
  ~Doing() {
    if (activity_ == nullptr) return;
    activity_->began_ns.store(began_, std::memory_order_relaxed);
    activity_->function = before_;
  }
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

 private:
  void name(const char* function) {
    const size_t n = ::strnlen(function, activity_->function.size() - 1);
    std::memcpy(activity_->function.data(), function, n);
    activity_->function[n] = '\0';
  }
  Activity* activity_;
  int64_t began_ = 0;
  std::array<char, 56> before_{};
};

}  // namespace dtud::plugins::isolation
