#include "wire.hpp"

#include <algorithm>
#include <limits>

namespace sim::modem {

void Wire::push(std::string_view bytes) {
  const size_t gone = std::min<uint64_t>(faults_.lose, bytes.size());
  faults_.lose -= gone;
  lost_ += gone;
  bytes.remove_prefix(gone);
  const size_t room = kMostWaiting - std::min(kMostWaiting, waiting_.size());
  lost_ += bytes.size() - std::min(room, bytes.size());
  waiting_ += bytes.substr(0, room);
}

void Wire::send(std::string_view bytes) {
  if (faults_.garbled) return send_garbage(bytes.size());
  while (!bytes.empty() && faults_.double_lines > 0) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view line = bytes.substr(0, end + 1);
    bytes.remove_prefix(end + 1);
    push(line);
    if (line.size() <= 2) continue;  // the empty line before an answer
    push(line);
    --faults_.double_lines;
  }
  push(bytes);
}

void Wire::send_garbage(size_t bytes) {
  constexpr unsigned kLeast = 0x80;  // no character of a command or an answer
  std::uniform_int_distribution<unsigned> any(kLeast, 0xff);
  std::string noise(bytes, '\0');
  for (char& c : noise) c = static_cast<char>(any(random_));
  push(noise);
}

std::string_view Wire::ready(int64_t now_ms, size_t most) {
  if (faults_.piece == 0) return std::string_view(waiting_).substr(0, most);
  if (now_ms < next_piece_ms_) return {};
  return std::string_view(waiting_).substr(0, std::min(most, faults_.piece));
}

void Wire::taken(size_t bytes, int64_t now_ms) {
  waiting_.erase(0, bytes);
  if (bytes > 0) next_piece_ms_ = now_ms + faults_.pause_ms;
}

int64_t Wire::due_ms(int64_t now_ms) const {
  if (waiting_.empty()) return std::numeric_limits<int64_t>::max();
  return faults_.piece == 0 ? now_ms : std::max(now_ms, next_piece_ms_);
}

void Wire::clear() { waiting_.clear(); }

}  // namespace sim::modem
