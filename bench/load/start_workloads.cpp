// How long a fresh gateway takes from exec to the first thing it carries.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "measure.hpp"
#include "subscriber.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

void pause_us(long us) {
  const timespec t{0, us * 1000};
  nanosleep(&t, nullptr);
}

// A process in our group (the harness ends the group), ended and waited for when this goes.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command) {
    if (command.empty()) throw std::runtime_error("no command after --");
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // our stdout is for figures alone
    const int failed = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("cannot start " + command[0]);
  }
  ~Child() {
    kill(pid_, SIGTERM);
    for (int i = 0; i < 2000; ++i) {
      if (waitpid(pid_, nullptr, WNOHANG) != 0) return;
      pause_us(1000);
    }
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void must_run() const {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_)
      throw std::runtime_error("the gateway exited before it carried anything");
  }

 private:
  pid_t pid_ = -1;
};

int connect_once(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int close_on_exec(const Options& options) {
  const int master = static_cast<int>(options.number("master"));
  if (fcntl(master, F_SETFD, FD_CLOEXEC) != 0) throw std::runtime_error("--master is not open");
  return master;
}

void print_ms(int64_t since) {
  Report report;
  report.add("ms", static_cast<double>(now_ns() - since) / 1e6);
  report.print();
}

}  // namespace

int run_first_byte(const Options& options) {
  const int master = close_on_exec(options);
  const auto port = static_cast<uint16_t>(options.number("port"));
  const int64_t start = now_ns();
  const Child child(options.command());
  for (;;) {
    child.must_run();
    const int tcp = connect_once(port);
    if (tcp < 0) {
      pause_us(50);
      continue;
    }
    char byte = 'x';
    pollfd both[2] = {{master, POLLIN, 0}, {tcp, POLLIN, 0}};
    // A gateway may accept and drop us before its port is open: then its end of the socket wakes us and we try again.
    const bool sent = write(tcp, &byte, 1) == 1 && poll(both, 2, 1000) > 0;
    if (sent && (both[0].revents & POLLIN) != 0) {
      print_ms(start);
      close(tcp);
      return 0;
    }
    close(tcp);
  }
}

int run_first_message(const Options& options) {
  const int master = close_on_exec(options);
  fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
  Subscriber subscriber(static_cast<uint16_t>(options.number("broker")), options.text("topic"));
  const std::string line = std::string(63, 'x') + '\n';
  bool arrived = false;
  const int64_t start = now_ns();
  const Child child(options.command());
  while (!arrived) {
    child.must_run();
    // Until the port is opened the line is lost or waits; one a millisecond is the step of this figure.
    if (write(master, line.data(), line.size()) < 0 && errno != EAGAIN) throw std::runtime_error("the port is gone");
    pollfd fd{subscriber.fd(), POLLIN, 0};
    const int64_t next = now_ns() + 1'000'000;
    while (!arrived && now_ns() < next) {
      const timespec rest{0, std::max<long>(0, next - now_ns())};
      if (ppoll(&fd, 1, &rest, nullptr) > 0) subscriber.read([&](std::string_view) { arrived = true; });
    }
  }
  print_ms(start);
  return 0;
}

}  // namespace bench
