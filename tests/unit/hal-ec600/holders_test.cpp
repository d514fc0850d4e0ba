// Who is named as another program on the modem's port.
#include <dtu/kit/port/device.hpp>

#include <gmock/gmock.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace {

using testing::HasSubstr;
using testing::Not;

struct Pty {
  int master = -1, slave = -1;
  std::array<char, 64> name{};
  Pty() { EXPECT_EQ(openpty(&master, &slave, name.data(), nullptr, nullptr), 0); }
  ~Pty() {
    close(master);
    close(slave);
  }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;
};

// A process that has inherited both ends, or the slave only.
class Holder {
 public:
  Holder(const Pty& pty, bool with_master) {
    std::array<int, 2> ready{};
    EXPECT_EQ(pipe(ready.data()), 0);
    pid_ = fork();
    if (pid_ == 0) {
      if (!with_master) close(pty.master);
      close(ready[1]);  // the parent reads the end of the pipe then
      for (;;) pause();
    }
    close(ready[1]);
    char none = 0;
    EXPECT_EQ(read(ready[0], &none, 1), 0);
    close(ready[0]);
  }
  ~Holder() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  [[nodiscard]] std::string name() const { return "pid " + std::to_string(pid_) + " ("; }

 private:
  pid_t pid_ = -1;
};

TEST(Holders, A15WhoHasTheOtherEndOfAPtyIsNoCulprit) {
  const Pty pty, other;
  const Holder simulator(pty, true);
  EXPECT_THAT(dtu_port::holders(pty.name.data(), true), Not(HasSubstr(simulator.name())));
  EXPECT_THAT(dtu_port::holders(pty.name.data(), false), HasSubstr(simulator.name())) << "who holds it is asked";
  const Holder terminal(pty, false);  // it has both ends of the other one
  EXPECT_THAT(dtu_port::holders(pty.name.data(), true), HasSubstr(terminal.name()));
}

}  // namespace
