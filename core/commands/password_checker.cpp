#include "commands/password_checker.hpp"

#include <exception>
#include <utility>

#include "commands/password_hash.hpp"

namespace dtud::commands {

PasswordChecker::~PasswordChecker() {
  *alive_ = false;
  if (thread_.joinable()) thread_.join();
}

void PasswordChecker::check(std::string hash, std::string given, std::function<void(bool)> done) {
  if (thread_.joinable()) thread_.join();  // it has told its result: nothing is left to do in it
  thread_ = std::thread([&lane = lane_, alive = alive_, hash = std::move(hash), given = std::move(given),
                         done = std::move(done)]() mutable {
    bool matches = false;
    try {
      matches = password_matches(hash, given);
    } catch (const std::exception&) {  // no memory for it: as a wrong one
    }
    lane.post([alive = std::move(alive), done = std::move(done), matches] {
      if (*alive) done(matches);
    });
  });
}

}  // namespace dtud::commands
