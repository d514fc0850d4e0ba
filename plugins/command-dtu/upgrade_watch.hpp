// Follows an upgrade step by step, for the one who ordered it.
#pragma once
#include <functional>
#include <string_view>

#include "asker.hpp"

namespace command_dtu {

class UpgradeWatch {
 public:
  using Report = std::function<void(std::string_view state)>;  // of upgrade.state

  explicit UpgradeWatch(Asker& asker) : asker_(asker) {}
  UpgradeWatch(const UpgradeWatch&) = delete;
  UpgradeWatch& operator=(const UpgradeWatch&) = delete;
  ~UpgradeWatch() { asker_.forget(this); }

  // `report` gets every state of order `id` that is another than `seen` (0: also the present one), the last one too;
  // then the kernel is told that its end is known. An order followed before is followed no more.
  void follow(int64_t id, int64_t seen, Report report);

 private:
  void wait();
  void news(const Reply& reply);

  Asker& asker_;
  int64_t id_ = 0, seen_ = 0;
  Report report_;
};

// A whole number of the object, -1 when it has none of that name.
[[nodiscard]] int64_t number_in(std::string_view object, std::string_view name);
[[nodiscard]] bool flag_in(std::string_view object, std::string_view name);

}  // namespace command_dtu
