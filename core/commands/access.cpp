#include "commands/access.hpp"

#include <algorithm>

namespace dtud::commands {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kLongestLock = 15 * 60 * kSecond;

// Takes the same time wherever the first difference is.
bool same(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.empty() ? '\0' : b[i % b.size()]);
  return difference == 0;
}

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
                                    {DTU_E_STOPPED, "stopped"}};
  for (const Name& n : kNames)
    if (n.status == status) return n.name;
  return "internal";
}

Access::Guesser& Access::guesser(const std::string& source) {
  if (guessers_.size() >= kMostSources && guessers_.count(source) == 0)
    guessers_.erase(std::min_element(guessers_.begin(), guessers_.end(),
                                     [](const auto& a, const auto& b) { return a.second.last_ns < b.second.last_ns; }));
  return guessers_[source];
}

Answer Access::check(const std::string& source, std::string_view given, int64_t now_ns) {
  Guesser& who = guesser(source);
  who.last_ns = now_ns;
  if (now_ns < who.locked_until_ns)
    return {DTU_E_LOCKED, "",
            "too many wrong passwords from " + source + ": wait " +
                std::to_string((who.locked_until_ns - now_ns + kSecond - 1) / kSecond) + " s"};
  if (given.data() == nullptr) return {DTU_E_DENIED, "", "this command needs the password"};
  const std::string& wanted = !password_.empty() ? password_ : initial_;
  if (wanted.empty())
    return {DTU_E_WRONG_PASSWORD, "",
            "no password is set on this device: set one locally with dtuctl call password.set"};
  if (same(wanted, given)) {
    who = Guesser{0, 0, now_ns};
    return {};
  }
  if (++who.wrong >= kFree) {
    const uint32_t doublings = std::min(who.wrong - kFree, 20U);
    who.locked_until_ns = now_ns + std::min(kLongestLock, kSecond << doublings);
  }
  return {DTU_E_WRONG_PASSWORD, "", "password verify error"};  // the words servers of the original DTU look for
}

}  // namespace dtud::commands
