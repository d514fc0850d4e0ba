#include "routing/packetizer.hpp"

#include <algorithm>

namespace dtud::routing {

Packetizer::Packetizer(config::PacketConfig rule)
    : rule_(std::move(rule)),
      passes_through_(rule_.idle_chars == 0 && rule_.length == 0 && rule_.delimiter.empty()),
      limit_(rule_.length != 0 ? std::min(rule_.length, rule_.max) : rule_.max) {}

// Where a packet ends that is longer than allowed: in front of what may be the begin of a delimiter.
size_t Packetizer::cut(std::string_view bytes) const {
  const std::string_view most = bytes.substr(0, limit_), delimiter = rule_.delimiter;
  if (rule_.length != 0 || delimiter.empty()) return limit_;
  for (size_t n = std::min(delimiter.size(), limit_) - 1; n > 0; --n)
    if (most.substr(limit_ - n) == delimiter.substr(0, n)) return limit_ - n;
  return limit_;
}

// Where the packet that begins at 0 ends, looking for a delimiter only from `from`; npos: not within these bytes.
size_t Packetizer::end_of_packet(std::string_view bytes, size_t from) const {
  size_t end = std::string_view::npos;
  if (!rule_.delimiter.empty()) {
    const size_t at = bytes.substr(0, limit_).find(rule_.delimiter, from);
    if (at != std::string_view::npos) end = at + rule_.delimiter.size();
  }
  if (end == std::string_view::npos && bytes.size() >= limit_) end = cut(bytes);
  return end;
}

void Packetizer::add(std::string_view bytes, const Packet& packet) {
  if (passes_through_) return packet(bytes);
  if (!held_.empty()) {
    // Only as much as can belong to the packet begun is copied to it.
    const size_t before = held_.size();
    const size_t seam = before - std::min(before, rule_.delimiter.empty() ? 0 : rule_.delimiter.size() - 1);
    held_.append(bytes.substr(0, limit_ - std::min(limit_, before)));
    const size_t end = end_of_packet(held_, seam);
    if (end == std::string_view::npos) return;
    packet(std::string_view(held_).substr(0, end));
    if (end < before) {  // cut in front of bytes that were there before
      std::string rest = held_.substr(end, before - end);
      held_.clear();
      rest.append(bytes);
      return add(rest, packet);
    }
    held_.clear();
    bytes.remove_prefix(end - before);
  }
  for (size_t end = end_of_packet(bytes, 0); end != std::string_view::npos; end = end_of_packet(bytes, 0)) {
    packet(bytes.substr(0, end));
    bytes.remove_prefix(end);
    if (bytes.empty()) return;
  }
  held_.assign(bytes);
}

size_t Packetizer::clear() {
  const size_t bytes = held_.size();
  held_.clear();
  return bytes;
}

bool Packetizer::idle(const Packet& packet) {
  if (held_.empty()) return false;
  std::string whole;
  whole.swap(held_);
  packet(whole);
  return rule_.length != 0;
}

}  // namespace dtud::routing
