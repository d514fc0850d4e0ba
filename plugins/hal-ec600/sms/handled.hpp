// Which messages were handled already, kept on the disk: a modem may say that a message is deleted and keep it, and
// then hands it out again after every start. Without this a restart ordered by SMS would be ordered again for ever.
// Both memories forget the oldest. That of the commands is apart, so that no storm of texts makes it forget. [lane]
#pragma once
#include <dtu/sdk/kept.hpp>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "joiner.hpp"

namespace hal_ec600::sms {

class Handled {
 public:
  static constexpr size_t kMostTold = 256, kMostRun = 64;

  explicit Handled(dtu::Host host);

  [[nodiscard]] bool was_told(const Slot& slot) const;
  void note_told(const Slot& slot);
  void save_told();  // what was noted since; it is not waited for: at worst a message is told again

  // Of a command: the same for the same PDUs, wherever they lie.
  [[nodiscard]] static std::string digest_of(const std::vector<Slot>& slots);
  [[nodiscard]] bool was_run(const std::string& digest) const;
  // kept("") when it is on the disk and survives a power cut: now the command may run. Else kept(why), maybe within
  // the call. Not called after stop().
  void note_run(const std::string& digest, std::function<void(const std::string& trouble)> kept);

 private:
  dtu::Host host_;
  std::optional<dtu::Kept> kept_;
  std::deque<std::string> told_, run_;
  bool unsaved_ = false;
};

}  // namespace hal_ec600::sms
