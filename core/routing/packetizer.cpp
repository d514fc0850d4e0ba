#include "routing/packetizer.hpp"

#include <algorithm>

namespace dtud::routing {

Packetizer::Packetizer(config::PacketConfig rule)
    : rule_(std::move(rule)),
      passes_through_(rule_.idle_chars == 0 && rule_.length == 0 && rule_.delimiter.empty()),
      limit_(rule_.length != 0 ? std::min(rule_.length, rule_.max) : rule_.max) {}

// Where the packet that begins at 0 ends, looking for a delimiter only from `from`; npos: not within these bytes.
size_t Packetizer::end_of_packet(std::string_view bytes, size_t from) const {
  size_t end = std::string_view::npos;
  if (!rule_.delimiter.empty()) {
    const size_t at = bytes.substr(0, limit_).find(rule_.delimiter, from);
    if (at != std::string_view::npos) end = at + rule_.delimiter.size();
  }
  if (end == std::string_view::npos && bytes.size() >= limit_) end = limit_;
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

void Packetizer::idle(const Packet& packet) {
  if (held_.empty()) return;
  std::string whole;
  whole.swap(held_);
  packet(whole);
}

}  // namespace dtud::routing
