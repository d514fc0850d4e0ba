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
  run([hash = std::move(hash), given = std::move(given), done = std::move(done)] {
    bool matches = false;
    try {
      matches = password_matches(hash, given);
    } catch (const std::exception&) {  // no memory for it: as a wrong one
    }
    return [done, matches] { done(matches); };
  });
}

void PasswordChecker::run(std::function<std::function<void()>()> work) {
  if (thread_.joinable()) thread_.join();  // it has told its result: nothing is left to do in it
  thread_ = std::thread([&lane = lane_, alive = alive_, work = std::move(work)]() mutable {
    lane.post([alive = std::move(alive), done = work()] {
      if (*alive) done();
    });
  });
}

}  // namespace dtud::commands
