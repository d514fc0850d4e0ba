#include "commands/access.hpp"

#include <algorithm>

#include "commands/password_hash.hpp"

namespace dtud::commands {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kLongestLock = 15 * 60 * kSecond;

}  // namespace

const char* name_of_status(dtu_status status) {
  struct Name {
    dtu_status status;
    const char* name;
  };
  static constexpr Name kNames[] = {{DTU_OK, "ok"},
                                    {DTU_AGAIN, "busy"},
                                    {DTU_E_INVALID, "invalid"},
                                    {DTU_E_UNSUPPORTED, "unsupported"},
                                    {DTU_E_IO, "io"},
                                    {DTU_E_EXCEPTION, "exception"},
                                    {DTU_E_CLOSED, "closed"},
                                    {DTU_E_NOT_FOUND, "not_found"},
                                    {DTU_E_DENIED, "password_missing"},
                                    {DTU_E_WRONG_PASSWORD, "wrong_password"},
                                    {DTU_E_LOCKED, "locked"},
                                    {DTU_E_TIMEOUT, "timeout"},
                                    {DTU_E_STOPPED, "stopped"},
                                    {DTU_E_CANCELLED, "cancelled"}};
  for (const Name& n : kNames)
    if (n.status == status) return n.name;
  return "internal";
}

// One that is locked goes last: a flood of other names does not free it.
Access::Guesser& Access::guesser(const std::string& source, int64_t now_ns) {
  if (guessers_.size() >= kMostSources && guessers_.count(source) == 0)
    guessers_.erase(std::min_element(guessers_.begin(), guessers_.end(), [now_ns](const auto& a, const auto& b) {
      const bool locked = now_ns < a.second.locked_until_ns;
      const bool other = now_ns < b.second.locked_until_ns;
      return locked != other ? other : a.second.last_ns < b.second.last_ns;
    }));
  return guessers_[source];
}

void Access::set_password(std::string stored) {
  if (stored != stored_) known_.clear();
  stored_ = std::move(stored);
}

std::optional<Answer> Access::check(const std::string& source, std::string_view given, int64_t now_ns) {
  Guesser& who = guesser(source, now_ns);
  who.last_ns = now_ns;
  if (now_ns < who.locked_until_ns)
    return Answer{DTU_E_LOCKED, "",
                  "too many wrong passwords from " + source + ": wait " +
                      std::to_string((who.locked_until_ns - now_ns + kSecond - 1) / kSecond) + " s"};
  if (given.data() == nullptr) return Answer{DTU_E_DENIED, "", "this command needs the password"};
  if (stored_.empty() && initial_.empty())
    return Answer{DTU_E_WRONG_PASSWORD, "",
                  "no password is set on this device: set one locally with dtuctl call password.set"};
  if (stored_.empty()) return judge(source, given, same_text(initial_, given), now_ns);
  if (!is_password_hash(stored_)) return judge(source, given, same_text(stored_, given), now_ns);
  if (!known_.empty() && same_text(known_, given)) return judge(source, given, true, now_ns);
  return std::nullopt;
}

Answer Access::judge(const std::string& source, std::string_view given, bool matches, int64_t now_ns) {
  Guesser& who = guesser(source, now_ns);
  if (matches) {
    who = Guesser{0, 0, now_ns};
    if (is_password_hash(stored_)) known_ = given;
    return {};
  }
  if (++who.wrong >= kFree) {
    const uint32_t doublings = std::min(who.wrong - kFree, 20U);
    const int64_t lock_ns = std::min(kLongestLock, kSecond << doublings);
    who.locked_until_ns = now_ns + lock_ns;
    if (on_locked_) on_locked_(source, lock_ns / kSecond);
  }
  return {DTU_E_WRONG_PASSWORD, "", "password verify error"};  // the words servers of the original DTU look for
}

}  // namespace dtud::commands
