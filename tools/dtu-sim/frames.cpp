#include "frames.hpp"

#include <charconv>
#include <limits>

#include "crc32.hpp"

namespace sim {

std::string encode(Layout layout, const Frame& frame) {
  std::string out;
  if (layout.channel) out += std::to_string(frame.channel) + ',';
  if (layout.topic) out += std::to_string(frame.topic) + ',';
  return out + std::to_string(frame.data.size()) + ',' + std::to_string(crc32(frame.data)) + ',' + frame.data;
}

FrameReader::Found FrameReader::number(std::string_view text, size_t& at, uint32_t& out) {
  const char* begin = text.data() + at;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, out);
  if (error != std::errc{}) return begin == end ? Found::more : Found::wrong;
  constexpr int kMostDigits = std::numeric_limits<uint32_t>::digits10 + 1;
  if (stop == end) return stop - begin > kMostDigits ? Found::wrong : Found::more;
  if (*stop != ',') return Found::wrong;
  at += static_cast<size_t>(stop - begin) + 1;
  return Found::frame;
}

FrameReader::Found FrameReader::look(std::string_view text, Frame& frame, size_t& size) const {
  size_t at = 0;
  uint32_t length = 0;
  uint32_t crc = 0;
  const struct {
    bool there;
    uint32_t* value;
  } header[] = {{layout_.channel, &frame.channel}, {layout_.topic, &frame.topic}, {true, &length}, {true, &crc}};
  for (const auto& field : header) {
    if (!field.there) continue;
    const Found found = number(text, at, *field.value);
    if (found != Found::frame) return found;
    if (length > kMostData) return Found::wrong;
  }
  if (text.size() - at < length) return Found::more;
  const std::string_view data = text.substr(at, length);
  if (crc32(data) != crc) return Found::wrong;
  frame.data = data;
  size = at + length;
  return Found::frame;
}

size_t FrameReader::take_whole(size_t at, const OnFrame& on_frame) {
  while (at < buffer_.size()) {
    Frame frame;
    size_t size = 0;
    const Found found = look(std::string_view(buffer_).substr(at), frame, size);
    if (found == Found::more) break;
    if (found == Found::frame) {
      on_frame(frame);
      at += size;
    } else {
      ++at;
      ++dropped_;
    }
  }
  return at;
}

void FrameReader::feed(std::string_view bytes, const OnFrame& on_frame) {
  buffer_ += bytes;
  buffer_.erase(0, take_whole(0, on_frame));
}

bool FrameReader::is_empty_frame(std::string_view text, Frame& frame) const {
  constexpr size_t kLongest = 32;
  if (text.size() > kLongest) return false;
  size_t size = 0;
  const std::string completed = std::string(text) + ",0,";  // "1,0" with the length of nothing and its CRC
  return look(completed, frame, size) == Found::frame && size == completed.size() && frame.data.empty();
}

void FrameReader::idle(const OnFrame& on_frame) {
  size_t at = 0;
  while (at < buffer_.size()) {
    Frame frame;
    if (is_empty_frame(std::string_view(buffer_).substr(at), frame)) {
      on_frame(frame);
      break;
    }
    ++dropped_;
    at = take_whole(at + 1, on_frame);
  }
  buffer_.clear();
}

}  // namespace sim
