// Takes secrets out of texts for people: the values it was told of, and user names and passwords in URLs. Plugins and
// libraries quote what they are given, so this is done where their texts come in, not where they are written.
// Threads: any.
#pragma once
#include <deque>
#include <set>
#include <string>
#include <string_view>

#include "lanes/thread_safety.hpp"
#include "log/secret_members.hpp"

namespace dtud {

class Scrubber {
 public:
  static constexpr size_t kShortest = 4;  // a shorter secret is found in any text by chance

  // From now on; what was secret once stays so. At most 512; more are not known.
  void add(std::string_view secret);
  // The text with *** in their places.
  [[nodiscard]] std::string clean(std::string_view text) const;
  // The same within the strings of a JSON text, which stays JSON.
  [[nodiscard]] std::string clean_json(std::string_view json) const;
  // Traffic: as many * as there are bytes, so that lengths stay right. Also what secret_bytes() finds.
  [[nodiscard]] std::string blot(std::string_view bytes, const SecretNames& names = {}) const;

 private:
  struct Longest {  // first: it may hold another one
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    }
  };
  template <typename Replacement>
  void replace(std::string& text, const Replacement& by) const;

  mutable Mutex mutex_;
  std::set<std::string, Longest> secrets_ DTU_GUARDED_BY(mutex_);
  std::deque<std::string> ages_ DTU_GUARDED_BY(mutex_);  // of what add() was given, the oldest first
};

}  // namespace dtud
