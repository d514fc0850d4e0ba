#include "wall_clock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#include <stdexcept>

namespace e2e {

WallClock::WallClock(int64_t off_s) : file_(::open(dir_.path("offset").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  set(off_s);
}

void WallClock::set(int64_t off_s) {
  if (::pwrite(file_.get(), &off_s, sizeof off_s, 0) != sizeof off_s) throw std::runtime_error("cannot set the clock");
}

void WallClock::set_to_1970() { set(-static_cast<int64_t>(::time(nullptr)) + 3600); }

std::vector<std::string> WallClock::environment() const {
  return {"LD_PRELOAD=" E2E_WALL_CLOCK, "ASAN_OPTIONS=verify_asan_link_order=0",
          "WALL_CLOCK_OFFSET=" + dir_.path("offset")};
}

}  // namespace e2e
