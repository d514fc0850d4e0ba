// Who may call what: the password, and growing delays for those who guess it (D10). Main lane.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "commands/answer.hpp"

namespace dtud::commands {

class Access {
 public:
  enum class Kind { set, initial, none };

  // The password of the device document, as its hash (or, where that could not be made, as it is); "" = none there.
  void set_password(std::string stored);
  // What counts until one is set: the last six digits of the IMEI; "" = not known or not wanted.
  void set_initial(std::string password) { initial_ = std::move(password); }
  [[nodiscard]] bool has_initial() const { return !initial_.empty(); }
  [[nodiscard]] Kind kind() const {
    return !stored_.empty() ? Kind::set : !initial_.empty() ? Kind::initial : Kind::none;
  }

  // May `source` go on with this password? DTU_OK, DTU_E_DENIED (none was given), DTU_E_WRONG_PASSWORD or DTU_E_LOCKED;
  // nothing when it has to be compared with hash() first, see judge(). given.data() null: none. Five wrong ones in a
  // row lock the source for 1 s, the next for 2 s, 4 s, ... 15 min.
  [[nodiscard]] std::optional<Answer> check(const std::string& source, std::string_view given, int64_t now_ns);
  [[nodiscard]] const std::string& hash() const { return stored_; }
  // The outcome of that comparison.
  [[nodiscard]] Answer judge(const std::string& source, std::string_view given, bool matches, int64_t now_ns);

  // Called whenever a source is locked, with for how long.
  void on_locked(std::function<void(const std::string& source, int64_t seconds)> fn) { on_locked_ = std::move(fn); }

  // Function codes 253 and 254: while stopped only commands marked for it are run for remote sources.
  bool stopped = false;

 private:
  struct Guesser {
    uint32_t wrong = 0;
    int64_t locked_until_ns = 0;
    int64_t last_ns = 0;
  };
  static constexpr size_t kMostSources = 256;
  static constexpr uint32_t kFree = 5;
  Guesser& guesser(const std::string& source, int64_t now_ns);

  std::string stored_, initial_;
  std::string known_;  // matched the hash once: the next comparison is cheap
  std::map<std::string, Guesser> guessers_;
  std::function<void(const std::string&, int64_t)> on_locked_;
};

}  // namespace dtud::commands
