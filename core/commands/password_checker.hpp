// Hashes passwords, and compares them with their hashes, on a thread of its own: that takes as long as hundreds of
// messages. Main lane.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "lanes/lane.hpp"

namespace dtud::commands {

class PasswordChecker {
 public:
  explicit PasswordChecker(Lane& lane) : lane_(lane) {}
  PasswordChecker(const PasswordChecker&) = delete;
  PasswordChecker& operator=(const PasswordChecker&) = delete;
  ~PasswordChecker();

  // done(matches) is called later, on the lane. One at a time: the next only after done.
  void check(std::string hash, std::string given, std::function<void(bool)> done);
  // work() runs on the thread; what it returns is called later, on the lane. work() must not throw. One at a time.
  void run(std::function<std::function<void()>()> work);

 private:
  Lane& lane_;
  std::thread thread_;                                          // of the present check, or of the last one
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // read and written on the lane
};

}  // namespace dtud::commands
