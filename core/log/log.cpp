#include "log/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

#include "log/utf8.hpp"

namespace dtud {
namespace {

int64_t unix_now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

std::string clock_text(int64_t time_ns) {
  const time_t seconds = time_ns / 1'000'000'000LL;
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const size_t n = std::strftime(text.data(), text.size(), "%FT%T", &parts);
  std::snprintf(text.data() + n, text.size() - n, ".%03dZ ", static_cast<int>(time_ns / 1'000'000 % 1000));
  return text.data();
}

// A line must stay a line, whatever a plugin or a peer put into it.
std::string one_line(std::string_view text, size_t longest) {
  std::string out = valid_utf8(text, longest);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

}  // namespace

const char* name_of(Level level) {
  switch (level) {
    case Level::error:
      return "error";
    case Level::warning:
      return "warning";
    case Level::info:
      return "info";
    case Level::debug:
      return "debug";
  }
  return "info";
}

Log::Log(Level threshold, bool to_stderr)
    : to_stderr_(to_stderr), journal_(std::getenv("JOURNAL_STREAM") != nullptr), threshold_(threshold) {}

void Log::write(Level level, std::string_view who, std::string_view text) {
  LogLine line{unix_now_ns(), level, valid_utf8(who), one_line(scrubber_.clean(text), kLongest)};
  std::vector<std::shared_ptr<Follower>> followers;
  {
    Lock lock(mutex_);
    if (!wants(level)) return;
    for (auto it = followers_.begin(); it != followers_.end();) {
      if (auto alive = it->lock()) {
        followers.push_back(std::move(alive));
        ++it;
      } else {
        it = followers_.erase(it);
      }
    }
    ring_.push_back(line);
    if (ring_.size() > kKept) ring_.pop_front();
  }
  if (to_stderr_) {
    std::string out = journal_ ? "<" + std::to_string(static_cast<int>(level)) + ">" : clock_text(line.time_ns);
    if (!journal_) out.append(name_of(level)).append(" ");
    out.append(line.who).append(": ").append(line.text).append("\n");
    // One write, so that lines of several threads do not mix. Nothing can be done if standard error is gone.
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, out.data(), out.size());
  }
  for (const auto& follower : followers) (*follower)(line);
}

bool Log::wants(Level level) const {
  return level <= (quiet_ && threshold_ == Level::info ? Level::warning : threshold_);
}

bool Log::takes(Level level) const {
  Lock lock(mutex_);
  return wants(level);
}

void Log::set_quiet(bool quiet) {
  Lock lock(mutex_);
  quiet_ = quiet;
}

Level Log::threshold() const {
  Lock lock(mutex_);
  return threshold_;
}

void Log::set_threshold(Level level) {
  Lock lock(mutex_);
  threshold_ = level;
}

std::vector<LogLine> Log::newest(size_t count) const {
  Lock lock(mutex_);
  const size_t n = std::min(count, ring_.size());
  return {ring_.end() - static_cast<ptrdiff_t>(n), ring_.end()};
}

std::shared_ptr<void> Log::follow(Follower follower) {
  auto token = std::make_shared<Follower>(std::move(follower));
  Lock lock(mutex_);
  followers_.push_back(token);
  return token;
}

}  // namespace dtud
