// DTU frames of the serial line, as the device behind the DTU writes and reads them:
//   command mode   channel,length,crc,data   channel,topic,length,crc,data
//   through mode   length,crc,data           topic,length,crc,data
// Length and CRC are counted over bytes; all numbers are decimal. A frame without data may be just "channel,0" or "0".
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sim {

struct Layout {
  bool channel = false;  // starts with a channel number
  bool topic = false;    // has a topic number before the length
};

struct Frame {
  uint32_t channel = 0;
  uint32_t topic = 0;
  std::string data;
};

[[nodiscard]] std::string encode(Layout, const Frame&);

// Finds frames in a byte stream. After a byte that cannot be right it drops one byte and looks again.
class FrameReader {
 public:
  static constexpr size_t kMostData = 65536;

  explicit FrameReader(Layout layout) : layout_(layout) {}

  using OnFrame = std::function<void(const Frame&)>;
  void feed(std::string_view bytes, const OnFrame& on_frame);
  // The line is silent: what is there is all there is. A header that ends in length 0 is a frame, the rest is dropped.
  void idle(const OnFrame& on_frame);
  [[nodiscard]] uint64_t dropped_bytes() const { return dropped_; }

 private:
  enum class Found { frame, more, wrong };
  // The number at `at`, which moves behind its comma; no comma yet = more.
  static Found number(std::string_view text, size_t& at, uint32_t& out);
  Found look(std::string_view text, Frame& frame, size_t& size) const;
  // Hands out the whole frames from `at` on; where the first incomplete one begins.
  size_t take_whole(size_t at, const OnFrame& on_frame);
  bool is_empty_frame(std::string_view text, Frame& frame) const;

  Layout layout_;
  std::string buffer_;
  uint64_t dropped_ = 0;
};

}  // namespace sim
