#include "plugins/loader/probe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "config/json_text.hpp"
#include "lanes/descriptor.hpp"
#include "lanes/spawn.hpp"
#include "plugins/loader/check_config.hpp"

namespace dtud::plugins {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kLongestAnswer = 1U << 20U, kLongestJob = 60'000;  // a job fits into a pipe
constexpr milliseconds kLookAgain{20};  // a child of the child may hold the pipe open when the child itself is gone
constexpr int kPatience = 10;

std::string reason(int code) { return std::generic_category().message(code); }

std::string job_text(const ProbeJob& job, const ProbeLimits& limits) {
  const auto list = [](const std::vector<std::string>& texts) {
    config::JsonArray::Ptr out = new config::JsonArray;
    for (const std::string& text : texts) out->add(text);
    return out;
  };
  auto o = config::make_object();
  o->set("file", job.file.string());
  o->set("keys", list(job.keys));
  o->set("require_signed", job.require_signed);
  o->set("held", list(job.held));
  o->set("schemas", job.schemas);
  o->set("cpu_s", limits.cpu_s);
  if (job.check) {
    o->set("component", job.check->component);
    o->set("config", job.check->config);
  }
  return config::to_json(config::Json(o)) + "\n";
}

// The child, and all that stayed in its group: gone when this is.
class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) (void)end();
  }
  [[nodiscard]] std::string begin(const std::string& program, const std::string& job, int file) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0) return "cannot create a pipe: " + reason(errno);
    const Descriptor their_in(in[0]), to(in[1]);
    if (::pipe2(out.data(), O_CLOEXEC) != 0) return "cannot create a pipe: " + reason(errno);
    from_ = Descriptor(out[0]);
    const Descriptor their_out(out[1]);
    ::fcntl(from_.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(to.get(), F_SETFL, O_NONBLOCK);  // a pipe too small for the job is an error, not a wait
    if (::write(to.get(), job.data(), job.size()) != static_cast<ssize_t>(job.size()))
      return "cannot send the request to " + program + ": " + reason(errno);
    constexpr int their_file = 3;
    const int code =
        spawn({{program}, {{their_in.get(), STDIN_FILENO}, {their_out.get(), STDOUT_FILENO}, {file, their_file}}, true},
              pid_);
    if (code == 0) return {};
    pid_ = -1;
    return program + " cannot be run: " + reason(code) + "; it belongs to dtukit: install it";
  }

  // Waits a little for more of its words. False: no more will come.
  bool listen(std::string& words) {
    pollfd fd{closed_ ? -1 : from_.get(), POLLIN, 0};
    (void)::poll(&fd, 1, static_cast<int>(kLookAgain.count()));
    const bool over = has_ended();  // first: what it said before is in the pipe then
    for (std::array<char, 4096> bytes{}; words.size() <= kLongestAnswer;) {
      const ssize_t n = ::read(from_.get(), bytes.data(), bytes.size());
      if (n > 0) {
        words.append(bytes.data(), static_cast<size_t>(n));
        continue;
      }
      if (n == 0) closed_ = true;
      break;
    }
    return !over && words.size() <= kLongestAnswer;
  }

  // It waits for the processor or the disk, not for something that never comes.
  [[nodiscard]] bool is_busy() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string stat;
    std::getline(file, stat);
    const size_t at = stat.rfind(')');
    return at != std::string::npos && at + 2 < stat.size() && std::strchr("RD", stat[at + 2]) != nullptr;
  }

  // Ends what is left of it; how the child itself ended, as waitpid has it.
  int end() {
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  // Not reaped, so that the number of its group cannot be anybody else's yet.
  bool has_ended() {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
  }

  pid_t pid_ = -1;
  Descriptor from_;
  bool closed_ = false;  // its output; it may run on
};

// What the child has said so far, line by line.
class Answer {
 public:
  explicit Answer(const std::string& file) : file_(file) {}
  [[nodiscard]] bool has_facts() const { return facts_; }
  [[nodiscard]] bool complete() const { return complete_; }

  void read(std::string& words, Probed& to) {
    for (size_t end = 0; !complete_ && (end = words.find('\n')) != std::string::npos; words.erase(0, end + 1))
      line(words.substr(0, end), to);
  }

 private:
  // The file first, before any of its code ran; then, once, what came of opening it.
  void line(const std::string& text, Probed& to) {
    config::Findings ignored;
    const auto json = config::read_json(text, "dtu-plugin-probe", ignored);
    const config::JsonObject* o = json ? config::as_object(*json) : nullptr;
    const std::string say = o == nullptr ? "" : config::as_text(o->get("say"));
    if (say == "file" && !facts_) {
      facts_ = true;
      to.sha256 = config::as_text(o->get("sha256"));
      if (!is_sha256(to.sha256)) to.sha256.clear();
      to.size = static_cast<uint64_t>(config::as_integer(o->get("size")));
      to.signature = signature_facts(o->get("signature"));
      return;
    }
    complete_ = true;
    if (say == "plugin" && facts_) {
      if (auto plugin = plugin_facts(o->get("plugin"))) {
        to.plugin = std::move(*plugin);
        to.end = Probed::End::good;
        return;
      }
    }
    if (say == "checked" && facts_) {
      if (o->has("findings")) to.checkup = checkup_of(*json);
      to.end = Probed::End::good;
      return;
    }
    to.end = say == "held" ? Probed::End::held : Probed::End::refused;
    to.text = say == "refused" ? config::as_text(o->get("text")) : file_ + ": the answer of the probe cannot be read";
  }

  const std::string& file_;
  bool facts_ = false, complete_ = false;
};

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return std::to_string(number) + (name == nullptr ? "" : std::string(" (SIG") + name + ")");
}

// It ended without a word about the plugin.
void judge(int status, bool opened, const ProbeLimits& limits, Probed& to, const std::string& file) {
  const bool signalled = WIFSIGNALED(status);
  const int number = signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  if (!opened) {  // none of its code ran: not the file's fault
    to.end = Probed::End::refused;
    to.text = file + ": cannot be probed: the probe ended with " + (signalled ? "signal " : "exit status ") +
              std::to_string(number);
    return;
  }
  to.end = signalled && number == SIGKILL ? Probed::End::killed : Probed::End::died;
  if (signalled && number == SIGXCPU)
    to.text = file + ": used more than " + std::to_string(limits.cpu_s) + " s of the processor while being probed";
  else if (signalled)
    to.text = file + ": died of signal " + signal_name(number) + " while being probed";
  else
    to.text = file + ": ended its process (exit status " + std::to_string(number) + ") while being probed";
}

void listen_to(Child& child, const ProbeLimits& limits, Probed& to, const std::string& file) {
  std::string words;
  Answer answer(file);
  Clock::time_point began = Clock::now();
  for (bool more = true; more && !answer.complete();) {
    const bool opening = answer.has_facts();
    more = child.listen(words);
    answer.read(words, to);
    if (answer.has_facts() && !opening) began = Clock::now();
    if (answer.complete() || !more) break;
    const auto passed = Clock::now() - began;
    milliseconds deadline = answer.has_facts() ? limits.deadline : limits.hashing;
    if (passed < deadline) continue;
    if (child.is_busy()) deadline *= kPatience;
    if (passed < deadline) continue;
    (void)child.end();
    to.end = answer.has_facts() ? Probed::End::died : Probed::End::refused;
    to.text = file + ": did not return within " + std::to_string(deadline.count()) + " ms while being " +
              (answer.has_facts() ? "probed" : "hashed");
    return;
  }
  const int status = child.end();
  if (!answer.complete()) judge(status, answer.has_facts(), limits, to, file);
}

}  // namespace

Probed probe(const std::string& program, const ProbeJob& job, const ProbeLimits& limits) {
  Probed probed;
  const std::string name = job.file.string();
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  probed.identity = file ? identity_of(file.get()) : "";
  if (probed.identity.empty()) {
    probed.end = Probed::End::refused;
    probed.text = name + ": cannot be opened: " + reason(errno);
    return probed;
  }
  const std::string text = job_text(job, limits);
  Child child;
  probed.text = text.size() > kLongestJob ? name + ": the request to the probe is too long: name fewer keys"
                                          : child.begin(program, text, file.get());
  if (!probed.text.empty()) return probed;
  listen_to(child, limits, probed, name);
  if (probed.end == Probed::End::good && identity_of(job.file) != probed.identity) {
    probed.end = Probed::End::refused;
    probed.text = name + ": was changed while being probed: try again";
  }
  return probed;
}

}  // namespace dtud::plugins
