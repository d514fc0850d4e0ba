// A child process that is sent on an errand: dtu-fetch. It gets its job on its standard input, so that no secret stands
// on a command line, and tells by lines on its standard output. It ends when its input ends, so it never outlives dtud.
// Main lane.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "lanes/descriptor.hpp"
#include "lanes/lane.hpp"

namespace dtud::upgrade {

class Errand {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void errand_said(std::string_view line) = 0;
    virtual void errand_ended(const std::string& how) = 0;  // "exit status 0", "signal 9"; the last word
  };

  Errand(Lane& lane, Owner& owner);
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;
  ~Errand();

  // "" or why it could not be begun. job: one line.
  [[nodiscard]] std::string begin(const std::string& program, const std::string& job);
  void end();   // tells it to stop; it is killed when it does not within 5 s
  void drop();  // kills it; nothing more is heard of it
  [[nodiscard]] bool running() const { return pid_ > 0; }

 private:
  void readable();
  void reap();
  static void run_reap(void* self) { static_cast<Errand*>(self)->reap(); }
  static void run_readable(void* self, uint32_t) { static_cast<Errand*>(self)->readable(); }

  Lane& lane_;
  Owner& owner_;
  pid_t pid_ = -1;
  Descriptor to_, from_;
  uint64_t watch_ = 0, timer_ = 0;
  int looks_ = 0;
  std::string line_;
};

}  // namespace dtud::upgrade
