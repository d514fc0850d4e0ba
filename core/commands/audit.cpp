#include "commands/audit.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/json_value.hpp"
#include "config/state_file.hpp"
#include "lanes/descriptor.hpp"
#include "log/utf8.hpp"

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

// As line_of() makes them, as far as that is quick to see.
bool are_entries(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    const bool printable =
        std::none_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (line.size() < 2 || line.front() != '{' || line.back() != '}' || !printable || !is_utf8(line)) return false;
  }
  return true;
}

// "" or why not. [any]
std::string append(const std::string& file, const std::string& line) {
  const auto failed = [&](int code) { return "cannot write " + file + ": " + std::generic_category().message(code); };
  struct stat now {};
  if (::stat(file.c_str(), &now) == 0 && static_cast<uint64_t>(now.st_size) + line.size() > Audit::kFileBytes)
    if (std::rename(file.c_str(), (file + ".1").c_str()) != 0) return failed(errno);
  // O_NONBLOCK: nobody may read a FIFO that stands there, and nobody waits for that.
  const Descriptor fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!fd) return failed(errno);
  if (::fstat(fd.get(), &now) != 0) return failed(errno);
  if (!S_ISREG(now.st_mode)) return failed(EINVAL);
  const ssize_t written = ::write(fd.get(), line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return "";
  return failed(written < 0 ? errno : ENOSPC);
}

}  // namespace

std::string Audit::look() {
  struct stat now {};
  if (::lstat(file_.c_str(), &now) != 0)
    return damage_ = errno == ENOENT ? "" : file_ + ": " + std::generic_category().message(errno);
  const std::string foreign = file_ + " is not what dtud wrote: ";
  if (!S_ISREG(now.st_mode)) return damage_ = foreign + "it is no regular file; " + config::set_aside(file_);
  config::FileError error;
  const auto text = config::read_file(file_, kFileBytes, error);
  if (!text && error.code != EFBIG) return damage_ = error.text;
  const size_t whole = text ? text->rfind('\n') + 1 : 0;  // npos + 1 is 0
  if (!text || !are_entries(std::string_view(*text).substr(0, whole)))
    return damage_ =
               foreign + (text ? "a line of it is no entry" : "it is too large") + "; " + config::set_aside(file_);
  if (whole == text->size()) return damage_ = "";
  // What a power cut leaves. The next entry would hang on it.
  damage_ = file_ + " ends in the middle of an entry: its last " + std::to_string(text->size() - whole) + " bytes are ";
  return damage_ += ::truncate(file_.c_str(), static_cast<off_t>(whole)) == 0 ? "cut off" : "left there";
}

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
  if (entries_.back().lasting) write(entries_.back());
  return disk_ != nullptr || problem_ == before ? "" : problem_;
}

// The first of a row was written when it came; how often it came again is known when something else does.
void Audit::write_repeats() {
  if (entries_.empty() || entries_.back().times == 1 || !entries_.back().lasting) return;
  write(entries_.back());
}

void Audit::write_on(DiskLane& disk, std::function<void(const std::string&)> told) {
  disk_ = &disk;
  told_ = std::move(told);
}

void Audit::write(const Entry& entry) {
  if (file_.empty()) return;
  std::string line = line_of(entry);
  if (disk_ == nullptr) return void(problem_ = append(file_, line));
  if (waiting_ >= kMostWaiting) {
    return tell("the disk does not take the entries of " + file_ + " in time: some are not in it");
  }
  ++waiting_;
  disk_->run(
      here_, [file = file_, line = std::move(line)] { return append(file, line); },
      [this](const std::string& problem) {
        --waiting_;
        tell(problem);
      });
}

void Audit::tell(const std::string& problem) {
  const bool news = !problem.empty() && problem != problem_;
  problem_ = problem;
  if (news) told_(problem_);
}

}  // namespace dtud::commands
