// dtu-sim as it is run: arguments, exit codes, a conversation and a flood over a pty.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "line.hpp"
#include "pattern.hpp"
#include "session.hpp"

namespace {

using sim::Fd;
using testing::HasSubstr;

constexpr int64_t kPatience = 20'000;

std::string read_until(int fd, const std::function<bool(const std::string&)>& enough) {
  std::string got;
  for (const int64_t end = sim::now_ms() + kPatience; !enough(got) && sim::now_ms() < end;) {
    pollfd p{fd, POLLIN, 0};
    if (poll(&p, 1, 100) <= 0) continue;
    char room[4096];
    const ssize_t n = read(fd, room, sizeof room);
    if (n <= 0) break;
    got.append(room, static_cast<size_t>(n));
  }
  return got;
}

class Program {
 public:
  explicit Program(std::vector<std::string> args) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    out_ = Fd(ends[0]);
    const Fd in(ends[1]);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      std::vector<char*> argv{const_cast<char*>(DTU_SIM_PROGRAM)};
      for (std::string& a : args) argv.push_back(a.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Program() {
    if (pid_ > 0 && kill(pid_, SIGKILL) == 0) waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void interrupt() const { kill(pid_, SIGINT); }
  // What it printed until it ended, and its exit code.
  std::string output() {
    return read_until(out_.get(), [](const std::string&) { return false; });
  }
  int code() {
    for (const int64_t end = sim::now_ms() + kPatience; sim::now_ms() < end; poll(nullptr, 0, 2)) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) != pid_) continue;
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    return -2;
  }

 private:
  pid_t pid_ = -1;
  Fd out_;
};

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/dtu-sim-test-XXXXXX";
    folder_ = mkdtemp(name);
    link_ = folder_ / "line";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  // The other end of the program's pty, once it is there.
  [[nodiscard]] Fd open_link() const {
    for (const int64_t end = sim::now_ms() + kPatience; sim::now_ms() < end; poll(nullptr, 0, 2)) {
      Fd fd(open(link_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
      if (fd.get() >= 0) return fd;
    }
    return Fd{};
  }
  std::filesystem::path folder_;
  std::string link_;
};

TEST_F(ProgramTest, HelpHasExamplesAndWrongUseIsCodeTwo) {
  Program help({"meter", "--help"});
  EXPECT_THAT(help.output(), HasSubstr("dtu-sim meter --pty"));
  EXPECT_EQ(help.code(), 0);
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {}, {"metre"}, {"meter", "--mode", "x", "--pty", link_}, {"meter", "--port"}, {"sink", "--bytes", "0"}}) {
    Program program(wrong);
    EXPECT_THAT(program.output(), HasSubstr("see dtu-sim --help"));
    EXPECT_EQ(program.code(), 2);
  }
}

TEST_F(ProgramTest, TheMeterSendsAnswersAndCounts) {
  Program meter({"meter", "--pty", link_, "--every", "3600000", "--json"});
  const Fd line = open_link();
  ASSERT_GE(line.get(), 0);
  const auto one_line = [](const std::string& got) { return got.find('\n') != std::string::npos; };
  const std::string first = read_until(line.get(), one_line);
  EXPECT_THAT(first, testing::StartsWith("1,"));
  ASSERT_EQ(write(line.get(), "read\n", 5), 5);
  EXPECT_EQ(read_until(line.get(), one_line), first);
  ASSERT_EQ(write(line.get(), "set interval 1\n", 15), 15);
  EXPECT_THAT(read_until(line.get(), [](const std::string& s) { return s.find("\n5,") != std::string::npos; }),
              testing::StartsWith("ok interval 1\n2,"));
  meter.interrupt();
  EXPECT_THAT(meter.output(), HasSubstr("\"queries\":2,"));
  EXPECT_EQ(meter.code(), 0);
}

TEST_F(ProgramTest, TheMeterStopsAfterItsCountAndLosesNone) {
  Program meter({"meter", "--pty", link_, "--every", "1", "--count", "50", "--mode", "through"});
  const Fd line = open_link();
  ASSERT_GE(line.get(), 0);
  const std::string got = read_until(line.get(), [](const std::string&) { return false; });
  EXPECT_THAT(meter.output(), HasSubstr("50 readings sent"));
  EXPECT_EQ(meter.code(), 0);
  EXPECT_THAT(got, HasSubstr(",50,"));  // the last reading is number 50
}

TEST_F(ProgramTest, AFloodArrivesWholeInASink) {
  Program flood({"flood", "--pty", link_, "--bytes", "1000000", "--json"});
  ASSERT_GE(open_link().get(), 0);
  Program sink({"sink", "--port", link_, "--bytes", "1000000", "--json"});
  EXPECT_THAT(sink.output(), HasSubstr("\"bytes\":1000000,"));
  EXPECT_EQ(sink.code(), 0);
  EXPECT_EQ(flood.code(), 0);
}

TEST_F(ProgramTest, TheSinkFailsWhenSomethingIsMissing) {
  Program sink({"sink", "--pty", link_, "--bytes", "640", "--idle", "1"});
  const Fd line = open_link();
  ASSERT_GE(line.get(), 0);
  for (const uint64_t number : {0U, 1U, 3U, 4U})
    ASSERT_EQ(write(line.get(), sim::pattern_line(number).data(), sim::kPatternLine), 64);
  EXPECT_THAT(sink.output(), HasSubstr("4 lines good, 0 damaged, 0 repeated, 6 lost"));
  EXPECT_EQ(sink.code(), 1);
}

}  // namespace
