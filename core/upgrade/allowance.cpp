#include "upgrade/allowance.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "config/json_value.hpp"

namespace dtud::upgrade {
namespace {

constexpr int64_t kNeverSet = 1'577'836'800;  // 2020: a clock before that was not set
constexpr uint64_t kWriteEvery = 1U << 20U;
constexpr int64_t kDay_s = 86400;
constexpr size_t kMostBytes = 4096;  // of the file

tm local(int64_t unix_s) {
  const auto seconds = static_cast<time_t>(unix_s);
  tm parts{};
  ::localtime_r(&seconds, &parts);
  return parts;
}

int64_t local_day(int64_t unix_s) { return (unix_s + local(unix_s).tm_gmtoff) / kDay_s; }

std::string clock_text(int minute) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d", minute / 60 % 24, minute % 60);
  return text.data();
}

// "HH:MM": the schema saw to it.
int minute_in(const std::string& text, size_t at) {
  return std::stoi(text.substr(at, 2)) * 60 + std::stoi(text.substr(at + 3, 2));
}

}  // namespace

Allowance::Allowance(const std::string& window, uint64_t bytes_per_day, const std::string& file)
    : most_(bytes_per_day), file_(std::make_shared<config::StateFile>(file, kMostBytes)) {
  if (window.size() == 11) {
    from_ = minute_in(window, 0);
    to_ = minute_in(window, 6);
  }
  if (from_ == to_) from_ = -1;
  if (most_ == 0) return;
  const auto json = file_->read(problem_);  // a count that is lost begins anew
  if (!json) return;
  const int64_t day = config::as_integer(config::as_object(*json)->get("day"), -1);
  const int64_t bytes = config::as_integer(config::as_object(*json)->get("bytes"), -1);
  if (day < 0 || bytes < 0) {
    problem_ = file_->reject("it has no day or no bytes");
    return;
  }
  day_ = day;
  written_ = bytes_ = static_cast<uint64_t>(bytes);
}

void Allowance::turn_the_page(int64_t unix_s) {
  const int64_t today = local_day(unix_s);
  if (today == day_) return;
  day_ = today;
  bytes_ = written_ = 0;
}

Allowance::Verdict Allowance::look(int64_t unix_s) {
  Verdict verdict;
  if (from_ < 0 && most_ == 0) return verdict;
  const tm now = local(unix_s);
  const int64_t second = now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec;
  if (from_ >= 0) {
    if (unix_s < kNeverSet)
      return {false, false, "waits until the clock is set, because upgrade has a time window", 0, 60};
    const auto minute = static_cast<int>(second / 60);
    const bool open = from_ < to_ ? minute >= from_ && minute < to_ : minute >= from_ || minute < to_;
    const int64_t next = (open ? to_ : from_) * 60;
    const int64_t left = (next - second + kDay_s) % kDay_s;
    verdict.look_s = std::clamp<int64_t>(left, 1, 60);
    if (!open) {
      verdict.now = verdict.open = false;
      verdict.why = "waits until " + clock_text(from_) + ", when the time window opens";
      return verdict;
    }
  }
  turn_the_page(unix_s);
  if (most_ != 0 && bytes_ >= most_) {
    verdict.now = false;
    verdict.why = "waits until 00:00: " + std::to_string(bytes_) + " bytes were downloaded today, " +
                  std::to_string(most_) + " are allowed (upgrade.bytes_per_day)";
    verdict.look_s = std::clamp<int64_t>(kDay_s - second, 1, 60);
    return verdict;
  }
  verdict.bytes = most_ == 0 ? 0 : most_ - bytes_;
  return verdict;
}

void Allowance::count(uint64_t bytes, int64_t unix_s, bool keep) {
  if (most_ == 0) return;
  turn_the_page(unix_s);
  bytes_ += bytes;
  if (keep ? bytes_ != written_ : bytes_ - written_ >= kWriteEvery) write();
}

void Allowance::write() {
  written_ = bytes_;
  run_([file = file_, text = "{\"day\": " + std::to_string(day_) + ", \"bytes\": " + std::to_string(bytes_) + "}\n"] {
    config::FileError ignored;  // the disk is full: the download will say so
    return file->write(text, ignored);
  });
}

}  // namespace dtud::upgrade
