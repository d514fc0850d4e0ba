// dtu-sim as it is run: arguments, exit codes, a conversation and a flood over a pty.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
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
    int typed[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || pipe2(typed, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    out_ = Fd(ends[0]);
    typed_ = Fd(typed[1]);
    const Fd in(ends[1]);
    const Fd read_by_it(typed[0]);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      dup2(typed[0], STDIN_FILENO);
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

  void tell(const std::string& lines) const {
    ASSERT_EQ(write(typed_.get(), lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  }
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
  Fd typed_;
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

TEST_F(ProgramTest, TheModemAnswersIsUnpluggedAndComesBackUnderAnotherName) {
  const std::string script = folder_ / "script";
  const std::string other = folder_ / "other";
  std::ofstream(script) << "csq 9\nafter 2 AT+CSQ unplug\n";
  Program modem({"modem", "--pty", link_, "--script", script, "--stdin", "--json"});
  const auto ended = [](const std::string& got) { return got.find("OK\r\n") != std::string::npos; };
  {
    const Fd line = open_link();
    ASSERT_GE(line.get(), 0);
    ASSERT_EQ(write(line.get(), "AT+CSQ\r", 7), 7);
    EXPECT_EQ(read_until(line.get(), ended), "AT+CSQ\r\r\n+CSQ: 9,99\r\n\r\nOK\r\n");
    ASSERT_EQ(write(line.get(), "AT+CSQ\r", 7), 7);
    read_until(line.get(), [](const std::string&) { return false; });  // until the line has ended
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(link_)));
  }
  modem.tell("plug " + other + "\ncsq high\n");
  link_ = other;
  {
    const Fd line = open_link();
    ASSERT_GE(line.get(), 0);
    ASSERT_EQ(write(line.get(), "ATE0;+CSQ\r", 10), 10);
    EXPECT_THAT(read_until(line.get(), ended), HasSubstr("+CSQ: 9,99"));
    modem.interrupt();
    EXPECT_THAT(modem.output(), testing::AllOf(HasSubstr("error: \"high\": a signal from 0 to 99 is needed"),
                                               HasSubstr("{\"commands\":3,\"errors\":0,")));
  }
  EXPECT_EQ(modem.code(), 0);
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(other)));
}

TEST_F(ProgramTest, TheModemsSocketReachesThisMachineOnly) {
  Fd server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(server.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(server.get(), 1), 0);
  ASSERT_EQ(getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  Program modem({"modem", "--pty", link_});
  const Fd line = open_link();
  ASSERT_GE(line.get(), 0);
  const auto ask = [&](const std::string& bytes, const std::string& end) {
    EXPECT_EQ(write(line.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return read_until(line.get(), [&](const std::string& got) { return got.find(end) != std::string::npos; });
  };
  ask("ATE0\r", "OK\r\n");
  ask("AT+QIACT=1\r", "OK\r\n");
  ask("AT+QIOPEN=1,0,\"TCP\",\"127.0.0.1\"," + std::to_string(ntohs(address.sin_port)) + ",0,0\r", "+QIOPEN: 0,0\r\n");
  const Fd peer(accept(server.get(), nullptr, nullptr));
  ask("AT+QISEND=0,4\r", "> ");
  ask("ping", "SEND OK\r\n");
  char room[4];
  ASSERT_EQ(recv(peer.get(), room, 4, MSG_WAITALL), 4);
  EXPECT_EQ(std::string(room, 4), "ping");
  ASSERT_EQ(::send(peer.get(), "pong", 4, 0), 4);
  ask("", "+QIURC: \"recv\",0\r\n");
  EXPECT_THAT(ask("AT+QIRD=0,100\r", "OK\r\n"), HasSubstr("+QIRD: 4\r\npong\r\n"));
  shutdown(peer.get(), SHUT_RDWR);
  ask("", "+QIURC: \"closed\",0\r\n");
}

TEST_F(ProgramTest, AWrongScriptIsNamedWithItsLine) {
  const std::string script = folder_ / "script";
  std::ofstream(script) << "csq 9\nsim lost\n";
  Program modem({"modem", "--pty", link_, "--script", script});
  EXPECT_THAT(modem.output(), HasSubstr("script, line 2: \"lost\": one of ready, pin,"));
  EXPECT_EQ(modem.code(), 2);
  Program help({"modem", "--help"});
  EXPECT_THAT(help.output(), testing::AllOf(HasSubstr("--script FILE"), HasSubstr("  storm N TEXT")));
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
