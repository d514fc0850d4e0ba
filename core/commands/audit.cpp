#include "commands/audit.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "config/json_value.hpp"
#include "lanes/descriptor.hpp"

namespace dtud::commands {
namespace {

std::string line_of(const Audit::Entry& e) {
  auto o = config::make_ordered_object();
  o->set("time_ns", e.time_ns);
  o->set("source", e.source);
  o->set("command", e.command);
  o->set("result", e.result);
  if (!e.error.empty()) o->set("error", e.error);
  if (e.times > 1) o->set("times", e.times);
  return config::to_json(config::Json(o)) + "\n";
}

}  // namespace

std::string Audit::note(int64_t time_ns, const std::string& source, const std::string& command, bool changes,
                        const Answer& answer) {
  const std::string result = name_of_status(answer.status);
  const std::string before = problem_;
  if (!entries_.empty()) {
    Entry& last = entries_.back();
    if (last.source == source && last.command == command && last.result == result) {
      ++last.times;
      return "";
    }
    write_repeats();
  }
  if (entries_.size() == kKept) entries_.pop_front();
  const bool guessed = answer.status == DTU_E_WRONG_PASSWORD || answer.status == DTU_E_LOCKED;
  entries_.push_back({time_ns, source, command, result, answer.error, 1, changes || guessed});
  if (entries_.back().lasting && write(entries_.back())) problem_.clear();
  return problem_ == before ? "" : problem_;
}

// The first of a row was written when it came; how often it came again is known when something else does.
void Audit::write_repeats() {
  if (entries_.empty() || entries_.back().times == 1 || !entries_.back().lasting) return;
  (void)write(entries_.back());
}

bool Audit::write(const Entry& entry) {
  if (file_.empty()) return true;
  const std::string line = line_of(entry);
  struct stat now {};
  if (::stat(file_.c_str(), &now) == 0 && static_cast<uint64_t>(now.st_size) + line.size() > kFileBytes)
    if (std::rename(file_.c_str(), (file_ + ".1").c_str()) != 0) return failed(errno);
  // O_NONBLOCK: nobody may read a FIFO that stands there, and the lane does not wait.
  const Descriptor fd(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!fd) return failed(errno);
  if (::fstat(fd.get(), &now) != 0) return failed(errno);
  if (!S_ISREG(now.st_mode)) return failed(EINVAL);
  const ssize_t written = ::write(fd.get(), line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return true;
  return failed(written < 0 ? errno : ENOSPC);
}

bool Audit::failed(int code) {
  problem_ = "cannot write " + file_ + ": " + std::generic_category().message(code);
  return false;
}

}  // namespace dtud::commands
