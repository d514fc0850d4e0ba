#include "pieces.hpp"

#include <algorithm>

namespace command_dtu {
namespace {

constexpr int64_t ns_per_us = 1000;
constexpr int64_t second_look_ns = 1'000'000;

}  // namespace

ObjectScan::Verdict ObjectScan::outside(char c) {
  constexpr std::string_view space = " \t\r\n";
  constexpr std::string_view scalar = "0123456789+-.eEtrufalsn:,";  // numbers, true, false, null, and what separates
  if (space.find(c) != std::string_view::npos) return Verdict::more;
  if (opened_ && c != '"' && c != '}') return Verdict::bad;
  opened_ = c == '{';
  if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    if (++depth_ > json_depth_max) return Verdict::bad;
  } else if (c == '}' || c == ']') {
    if (--depth_ <= 0) return depth_ == 0 && c == '}' ? Verdict::whole : Verdict::bad;
  } else if (depth_ == 0 || scalar.find(c) == std::string_view::npos) {
    return Verdict::bad;
  }
  return Verdict::more;
}

ObjectScan::Verdict ObjectScan::feed(std::string_view text, size_t& used) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!in_string_) {
      const Verdict verdict = outside(c);
      if (verdict == Verdict::more) continue;
      used = i + 1;
      return verdict;
    }
    if (static_cast<uint8_t>(c) < 0x20) return Verdict::bad;
    if (escaped_)
      escaped_ = false;
    else if (c == '\\')
      escaped_ = true;
    else if (c == '"')
      in_string_ = false;
  }
  return Verdict::more;
}

Pieces::Pieces(dtu::Host host, Release release)
    : host_(host), release_(std::move(release)), timer_(host, [this] { on_time(); }) {}

bool Pieces::go_on(uint32_t channel, uint64_t peer, std::string_view bytes, size_t& used, std::string& object) {
  const auto held =
      std::find_if(held_.begin(), held_.end(), [&](const Held& h) { return h.channel == channel && h.peer == peer; });
  if (held == held_.end()) return false;
  used = bytes.size();
  const ObjectScan::Verdict verdict = held->scan.feed(bytes, used);
  if (verdict == ObjectScan::Verdict::bad || held->text.size() + used > bytes_max) {
    release(held);
    return false;
  }
  held->text.append(bytes.substr(0, used));
  held->silent_until_ns = host_.monotonic_ns() + silence_ns;
  held->looked_again = false;
  if (verdict == ObjectScan::Verdict::whole) {
    object = std::move(held->text);
    held_.erase(held);
  }
  arm();
  return true;
}

bool Pieces::begin(uint32_t channel, uint64_t peer, std::string_view bytes) {
  ObjectScan scan;
  size_t used = 0;
  if (bytes.size() > bytes_max || scan.feed(bytes, used) != ObjectScan::Verdict::more) return false;
  if (held_.size() >= peers_max) release(held_.begin());
  const int64_t now = host_.monotonic_ns();
  held_.push_back({channel, peer, scan, std::string(bytes), now, now + silence_ns});
  arm();
  return true;
}

void Pieces::end(uint32_t channel) {
  for (auto held = held_.begin(); held != held_.end();) {
    const auto here = held++;
    if (here->channel == channel) release(here);
  }
  arm();
}

size_t Pieces::held_bytes() const noexcept {
  size_t bytes = 0;
  for (const Held& held : held_) bytes += held.text.size();
  return bytes;
}

void Pieces::release(List::iterator held) {
  const uint32_t channel = held->channel;
  const std::string text = std::move(held->text);
  held_.erase(held);
  release_(channel, text);
}

// The lane may have been late itself, with the missing piece waiting in a descriptor: let those have their turn.
void Pieces::on_time() {
  const int64_t now = host_.monotonic_ns();
  for (auto held = held_.begin(); held != held_.end();) {
    const auto here = held++;
    if (here->due_ns() > now) continue;
    if (here->looked_again) {
      release(here);
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
