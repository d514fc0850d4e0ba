// Frames on the serial line (D4 to D7), found in a byte stream that may be cut anywhere and may lie.
//   command mode   ch,len,crc,data   ch,0   and for channels with topics   ch,topic,len,crc,data
//   through mode   len,crc,data      0      and for channels with topics   topic,len,crc,data
//   both           99,len,crc,{json}        a local command
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crc32.hpp"
#include "running_crc.hpp"

namespace command_dtu {

inline constexpr uint32_t local_channel = 99;       // first field of a local command
inline constexpr size_t frame_payload_max = 65536;  // D7
inline constexpr size_t topic_max = 32;

// What the frames of one channel look like.
struct FrameChannel {
  uint32_t id = 0;  // 1 to 98
  bool topics = false;
  std::vector<std::string> publish;  // the topic ids that may be named; empty: any number
};

struct FrameRules {
  bool through = false;
  CrcKind crc = CrcKind::zlib;
  std::vector<FrameChannel> channels;  // through mode has one, or none
};

struct Frame {  // its views last until the sink returns
  bool local = false;
  uint32_t channel = 0;
  std::string_view topic;
  std::string_view payload;
};

// Why bytes were dropped. A later reason knows more about the frame than an earlier one.
enum class Drop : uint8_t { stale, bad_header, too_long, bad_crc, unknown_topic, unknown_channel };
inline constexpr std::array<std::string_view, 6> drop_names{"stale",   "bad_header",    "too_long",
                                                            "bad_crc", "unknown_topic", "unknown_channel"};

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void on_frame(const Frame& frame) = 0;
  // Once per reason and feed(), with the sum.
  virtual void on_drop(Drop reason, uint64_t bytes) = 0;
};

// Keeps at most one frame and what came behind it, whatever lengths the stream claims. Work is linear in the bytes fed.
class FrameParser {
 public:
  FrameParser(FrameRules rules, FrameSink& sink);

  void feed(std::string_view bytes);
  // The line was idle for the limit: what is left of a frame will not be completed.
  void line_idle();
  // True while line_idle() would change something.
  [[nodiscard]] bool wants_idle() const noexcept { return head_ < buffer_.size() || !in_step_ || after_empty_; }
  // What came of a frame that is not whole yet.
  [[nodiscard]] std::string_view unfinished() const noexcept { return std::string_view(buffer_).substr(head_); }
  // Positions looked at (each costs a bounded number of steps) and bytes a CRC went over.
  [[nodiscard]] uint64_t looks() const noexcept { return looks_; }
  [[nodiscard]] uint64_t crc_work() const noexcept { return running_.work(); }
  [[nodiscard]] size_t held() const noexcept { return buffer_.capacity(); }

 private:
  enum class Verdict : uint8_t { bad, more, whole };
  struct Look {  // what stands at one position
    Verdict verdict = Verdict::bad;
    Drop reason = Drop::bad_header;  // when bad; when whole and refused
    bool refused = false;            // if whole: for nobody
    bool bare_empty = false;         // "ch,0" or "0": ends without a comma
    size_t end = 0;
    Frame frame;
  };

  static Look wait_for_more() {
    Look look;
    look.verdict = Verdict::more;
    return look;
  }
  size_t scan(std::string_view text, size_t at, bool final);
  Look look(std::string_view text, size_t at);
  Look look_command(std::string_view text, size_t at);
  Look look_local(std::string_view text, size_t at);
  Look look_topic(std::string_view text, size_t at, const FrameChannel* channel);
  Look look_length(std::string_view text, size_t at, bool bare_empty, bool may_go_on);
  Look look_empty_tail(std::string_view text, size_t at);
  void drop(Drop reason, size_t bytes) noexcept { dropped_[static_cast<size_t>(reason)] += bytes; }
  void report_drops();
  void compact();

  FrameRules rules_;
  FrameSink& sink_;
  RunningCrc running_;
  std::string buffer_;
  size_t head_ = 0;           // first byte of buffer_ not used yet
  bool in_step_ = true;       // nothing was dropped since the last frame or the last idle line
  bool after_empty_ = false;  // the last frame was a bare empty one: ",crc," may follow
  std::array<uint64_t, drop_names.size()> dropped_{};
  uint64_t looks_ = 0;
};

}  // namespace command_dtu
