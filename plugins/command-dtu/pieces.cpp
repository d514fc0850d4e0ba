#include "pieces.hpp"

#include <algorithm>
#include <utility>

#include "message_parts.hpp"

namespace command_dtu {
namespace {

constexpr int64_t ns_per_us = 1000;
constexpr int64_t second_look_ns = 1'000'000;
constexpr size_t always_read = 1024;  // longer ones are read again each time they have doubled

constexpr bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

void ObjectScan::close(bool list) {
  while (depth_ > 0 && in_list() != list) --depth_;  // a bracket that is missing
  if (depth_ > 0) --depth_;
}

ObjectScan::End ObjectScan::outside(char c, size_t position) {
  const char before = std::exchange(last_, c);
  if (is_white(c)) return End::no;
  if (c == '/' || c == '-') {
    in_comment_ = before == c;
    return End::no;
  }
  const char sign = std::exchange(last_sign_, c);
  switch (c) {
    case '\0':
      return depth_ > 0 ? End::before : End::no;
    case '"':
      in_string_ = true;
      return End::no;
    case '{':
    case '[':
      if (c == '{' && depth_ > 0 && !in_list() && sign != ':') doubt(position);
      if (depth_++ < 64) {
        const uint64_t bit = uint64_t{1} << (depth_ - 1);
        lists_ = c == '[' ? lists_ | bit : lists_ & ~bit;
      }
      return End::no;
    case '}':
      close(false);
      return depth_ == 0 ? End::behind : End::no;
    case ']':
      if (depth_ > 0 && in_list()) close(true);
      return End::no;
    default:
      return End::no;
  }
}

void ObjectScan::doubt(size_t position) {
  if (doubts_.size() < doubts_max) doubts_.push_back(position);
}

// Where a quote is missing, what looks like a string is what stands between two of them. If it ends behind a {, a
// command may begin there: no right object reads as one from within its strings.
void ObjectScan::inside(char c, size_t position) {
  if (escaped_) {
    escaped_ = false;
    brace_.reset();
    return;
  }
  in_string_ = c != '"' && c != '\n' && c != '\r';  // no string goes over the end of a line
  if (!in_string_ && brace_) doubt(*brace_);
  if (c == '{')
    brace_ = position;
  else if (!in_string_ || !is_white(c))
    brace_.reset();
  escaped_ = c == '\\';
}

std::optional<size_t> ObjectScan::feed(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool line_end = c == '\n' || c == '\r';
    if (in_comment_) {
      in_comment_ = !line_end;
    } else if (!in_string_) {
      const End end = outside(c, fed_ + i);
      if (end != End::no) return i + (end == End::behind ? 1 : 0);
    } else {
      inside(c, fed_ + i);
    }
  }
  fed_ += text.size();
  return std::nullopt;
}

Pieces::Pieces(dtu::Host host, Release release)
    : host_(host), release_(std::move(release)), timer_(host, [this] { on_time(); }) {}

std::optional<Pieces::Taken> Pieces::go_on(uint32_t channel, uint64_t peer, std::string_view bytes) {
  const auto held = std::find_if(held_.begin(), held_.end(),
                                 [&](const Held& h) { return h.given.channel == channel && h.given.peer == peer; });
  if (held == held_.end()) return std::nullopt;
  if (held->late) return take_late(held, bytes);
  Given& given = held->given;
  const size_t before = given.text.size();
  std::optional<size_t> end = held->scan.feed(bytes);
  const bool longer = before + end.value_or(bytes.size()) > bytes_max;
  bool hopeless = longer && !names_command(given.text);
  if (const size_t size = before + bytes.size();
      !longer && (end || size <= always_read || size >= 2 * held->looked_at)) {
    held->looked_at = size;
    std::string text = given.text;
    text += bytes;
    // A mistake in the object begun must not hold up the command behind it.
    if (const auto command = begin_of_command(text, held->scan.doubts())) return split(held, text, *command);
    hopeless = !end && !may_become_object(text) && !names_command(text);
  }
  // A command that is too long is taken to its end all the same: no part of it must go to the line.
  if (hopeless) {
    release(held);
    return std::nullopt;
  }
  Taken taken{end.value_or(bytes.size()), std::nullopt, {}};
  given.too_long = given.too_long || longer;
  given.text.append(bytes.substr(0, std::min(taken.used, bytes_max - before)));
  held->silent_until_ns = host_.monotonic_ns() + silence_ns;
  held->looked_again = false;
  if (end) {
    taken.ended = std::move(given);
    held_.erase(held);
  }
  arm();
  return taken;
}

// What was begun ends where another command begins.
Pieces::Taken Pieces::split(List::iterator held, const std::string& text, size_t command) {
  Taken taken{text.size() - held->given.text.size(), std::move(held->given), text.substr(command)};
  taken.ended->text = text.substr(0, command);
  held_.erase(held);
  arm();
  return taken;
}

bool Pieces::begin(uint32_t channel, uint64_t peer, std::string_view bytes) {
  ObjectScan scan;
  if (bytes.size() > bytes_max || scan.feed(bytes)) return false;
  if (held_.size() >= peers_max) release(held_.begin());
  const int64_t now = host_.monotonic_ns();
  Held held{{channel, peer, std::string(bytes)}, scan, now, now + silence_ns};
  held.looked_at = bytes.size();
  held_.push_back(std::move(held));
  arm();
  return true;
}

void Pieces::end(uint32_t channel) {
  for (auto held = held_.begin(); held != held_.end();) {
    const auto here = held++;
    if (here->given.channel == channel) release(here);
  }
  arm();
}

size_t Pieces::held_bytes() const noexcept {
  size_t bytes = 0;
  for (const Held& held : held_) bytes += held.given.text.size();
  return bytes;
}

void Pieces::release(List::iterator held) {
  Given given = std::move(held->given);
  if (held->late) {
    given.late_bytes = given.text.size();
    given.text.clear();
  }
  const bool nothing = held->late && given.late_bytes == 0;
  held_.erase(held);
  if (!nothing) release_(given);
}

// Too much time is over. What is a command is taken to its end all the same: no part of it must go to the line.
void Pieces::give_up(List::iterator held) {
  if (held->late || !(held->given.too_long || names_command(held->given.text))) return release(held);
  Given given = std::move(held->given);
  held->given = {given.channel, given.peer, {}};
  held->late = true;
  held->late_until_ns = host_.monotonic_ns() + late_ns;
  held->late_from = held->scan.fed();
  release_(given);
}

Pieces::Taken Pieces::take_late(List::iterator held, std::string_view bytes) {
  Given& given = held->given;
  const size_t before = given.text.size();
  Taken taken{std::min(bytes.size(), bytes_max - before), std::nullopt, {}};
  const std::optional<size_t> end = held->scan.feed(bytes.substr(0, taken.used));
  given.text.append(bytes.substr(0, taken.used));
  std::vector<size_t> places;
  for (const size_t at : held->scan.doubts())
    if (at >= held->late_from) places.push_back(at - held->late_from);
  if (const auto command = begin_of_another(given.text, places)) {
    taken.again = given.text.substr(*command);
    given.text.resize(*command);
  } else if (end) {
    taken.used = *end;
    given.text.resize(before + *end);
  }
  if (end || !taken.again.empty() || given.text.size() >= bytes_max) release(held);
  arm();
  return taken;
}

// The lane may have been late itself, with the missing piece waiting in a descriptor: let those have their turn.
void Pieces::on_time() {
  const int64_t now = host_.monotonic_ns();
  for (auto held = held_.begin(); held != held_.end();) {
    const auto here = held++;
    if (here->due_ns() > now) continue;
    if (here->looked_again || here->late) {
      give_up(here);
      continue;
    }
    here->looked_again = true;
    here->silent_until_ns = now + second_look_ns;
    here->begun_ns = std::max(here->begun_ns, here->silent_until_ns - whole_ns);
  }
  arm();
}

void Pieces::arm() {
  if (held_.empty()) return timer_.disarm();
  int64_t due = held_.front().due_ns();
  for (const Held& held : held_) due = std::min(due, held.due_ns());
  const int64_t left = due - host_.monotonic_ns();
  timer_.arm_us(left > 0 ? static_cast<uint64_t>(left / ns_per_us) + 1 : 1);
}

}  // namespace command_dtu
