#include "meter.hpp"

#include <array>
#include <charconv>

namespace sim {
namespace {

constexpr std::string_view kSetInterval = "set interval ";

bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

// Our own answers, come back from an echo on the other side: answering them would never end.
bool is_answer(std::string_view text) { return starts_with(text, "error ") || starts_with(text, "ok "); }

}  // namespace

Meter::Meter(const MeterSettings& settings)
    : settings_(settings),
      layout_{settings.syntax == Syntax::command_frames, settings.topic.has_value()},
      measurements_(settings.seed),
      frames_(layout_) {}

std::string Meter::wrap(const std::string& text) const {
  if (settings_.syntax == Syntax::lines) return text + '\n';
  return encode(layout_, {settings_.channel, settings_.topic.value_or(0), text});
}

std::string Meter::reading() {
  ++counts_.readings;
  const Reading& next = measurements_.advance(settings_.every_ms);
  return wrap(settings_.json ? to_json(next) : to_csv(next));
}

std::string Meter::answer(const std::string& query) {
  if (query == "read") {
    if (measurements_.current().number == 0) measurements_.advance(settings_.every_ms);
    return settings_.json ? to_json(measurements_.current()) : to_csv(measurements_.current());
  }
  if (starts_with(query, kSetInterval)) {
    int64_t ms = 0;
    const char* end = query.data() + query.size();
    const auto [stop, error] = std::from_chars(query.data() + kSetInterval.size(), end, ms);
    if (error == std::errc{} && stop == end && ms >= 1 && ms <= kMostEveryMs) {
      settings_.every_ms = ms;
      return "ok interval " + std::to_string(ms);
    }
    return "error interval is 1 to " + std::to_string(kMostEveryMs) + " ms";
  }
  ++counts_.unknown;
  constexpr size_t kShown = 40;
  return "error unknown query \"" + query.substr(0, kShown) + "\": read, set interval MS";
}

std::string Meter::take(std::string query, const OnQuery& on_query) {
  while (!query.empty() && (query.back() == '\r' || query.back() == '\n')) query.pop_back();
  ++counts_.queries;
  const std::string text = query.empty() || is_answer(query) ? "" : answer(query);
  on_query(query, text);
  return text.empty() ? "" : wrap(text);
}

std::string Meter::receive_lines(std::string_view bytes, const OnQuery& on_query) {
  std::string answers;
  for (const char byte : bytes) {
    if (byte == '\n') {
      answers += take(std::move(line_), on_query);
      line_.clear();
    } else if (line_.size() < kMostLine) {
      line_ += byte;
    } else {
      ++counts_.dropped_bytes;
    }
  }
  return answers;
}

std::string Meter::receive(std::string_view bytes, const OnQuery& on_query) {
  if (settings_.syntax == Syntax::lines) return receive_lines(bytes, on_query);
  std::string answers;
  frames_.feed(bytes, [&](const Frame& frame) { answers += take(frame.data, on_query); });
  return answers;
}

std::string Meter::silence(const OnQuery& on_query) {
  std::string answers;
  if (settings_.syntax != Syntax::lines)
    frames_.idle([&](const Frame& frame) { answers += take(frame.data, on_query); });
  return answers;
}

MeterCounts Meter::counts() const {
  MeterCounts counts = counts_;
  counts.dropped_bytes += frames_.dropped_bytes();
  return counts;
}

}  // namespace sim
