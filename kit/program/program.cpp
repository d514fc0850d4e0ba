#include <dtu/kit/program/program.hpp>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace dtu_program {
namespace {

constexpr size_t kMostOutput = 65536, kLongestLine = 1000;
constexpr uint64_t kLook_ms = 200;
constexpr int kKeptOpen = 3;
constexpr int64_t kSecond = 1'000'000'000;

std::string reason(int code) { return std::generic_category().message(code); }

struct Actions {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  Actions() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace

Program::Program(dtu::Host host, Task task, Done done)
    : host_(host),
      task_(std::move(task)),
      done_(std::move(done)),
      timer_(host, [this] { look(); }),
      until_ns_(host.monotonic_ns() + int64_t{task_.timeout_s} * kSecond) {
  spawn();
  watch_ = std::make_unique<dtu::FdWatch>(host_, from_.get(), DTU_FD_READ, [this](uint32_t) { readable(); });
  timer_.arm_ms(kLook_ms, kLook_ms);
}

Program::~Program() {
  if (pid_ <= 0) return;
  kill_all();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Program::kill_all() const noexcept {
  ::kill(-pid_, SIGKILL);  // the whole group
  ::kill(pid_, SIGKILL);
}

void Program::spawn() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw dtu::Failure(DTU_E_IO, "cannot create a pipe: " + reason(errno));
  from_ = dtu_port::Descriptor(ends[0]);
  const dtu_port::Descriptor theirs(ends[1]);
  ::fcntl(from_.get(), F_SETFL, O_NONBLOCK);
  Actions how;
  ::posix_spawn_file_actions_addopen(&how.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&how.files, theirs.get(), STDOUT_FILENO);
  if (task_.errors)
    ::posix_spawn_file_actions_adddup2(&how.files, theirs.get(), STDERR_FILENO);
  else
    ::posix_spawn_file_actions_addopen(&how.files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  if (task_.keep_open >= 0) ::posix_spawn_file_actions_adddup2(&how.files, task_.keep_open, kKeptOpen);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&how.attributes, &none);
  ::posix_spawnattr_setsigdefault(&how.attributes, &all);
  ::posix_spawnattr_setpgroup(&how.attributes, 0);
  ::posix_spawnattr_setflags(&how.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> argv;
  for (const std::string& word : task_.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", home = "HOME=/", language = "LC_ALL=C";
  std::array<char*, 4> environment{path.data(), home.data(), language.data(), nullptr};
  const int code = ::posix_spawn(&pid_, argv[0], &how.files, &how.attributes, argv.data(), environment.data());
  if (code == 0) return;
  pid_ = -1;
  throw dtu::Failure(DTU_E_IO, task_.argv[0] + " cannot be run: " + reason(code));
}

void Program::readable() {
  std::array<char, 4096> bytes{};
  const ssize_t n = ::read(from_.get(), bytes.data(), bytes.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    watch_.reset();
    return timer_.arm_ms(1, kLook_ms);  // its end is a moment later
  }
  for (const char c : std::string_view(bytes.data(), static_cast<size_t>(n))) take(c);
}

// Programs that show how far they are write carriage returns.
void Program::take(char c) {
  if (output_.size() < kMostOutput) output_ += c;
  if (c != '\n' && c != '\r') {
    if (line_.size() < kLongestLine) line_ += c;
    return;
  }
  if (line_.empty()) return;
  last_line_ = std::exchange(line_, {});
  if (task_.line) task_.line(last_line_);
}

void Program::look() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) return end(status);
  if (killed_for_.empty() && host_.monotonic_ns() > until_ns_)
    stop("it took longer than " + std::to_string(task_.timeout_s) + " s and was ended");
}

void Program::stop(const std::string& why) {
  if (pid_ <= 0) return;
  killed_for_ = why;
  kill_all();
}

void Program::end(int status) {
  pid_ = -1;
  while (watch_ != nullptr) {  // what it wrote last; not what its children may yet write
    const size_t before = output_.size() + line_.size();
    readable();
    if (output_.size() + line_.size() == before) break;
  }
  watch_.reset();
  timer_.disarm();
  take('\n');
  Ended ended;
  ended.output = std::move(output_);
  if (!killed_for_.empty())
    ended.trouble = killed_for_;
  else if (WIFSIGNALED(status))
    ended.trouble = "it was ended by signal " + std::to_string(WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    ended.trouble =
        "exit status " + std::to_string(WEXITSTATUS(status)) + (last_line_.empty() ? "" : ": " + last_line_);
  const Done done = std::move(done_);
  done(ended);
}

}  // namespace dtu_program
