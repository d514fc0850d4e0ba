// The bytes from the module to the host, and what may happen to them: lost, doubled, delayed, garbled.
#pragma once
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>

namespace sim::modem {

class Wire {
 public:
  // What the host has not read yet may be so much; more is lost, as on a UART, and counted.
  static constexpr size_t kMostWaiting = 1024 * 1024;

  struct Faults {
    uint64_t lose = 0;          // so many bytes vanish
    uint64_t double_lines = 0;  // so many lines come twice
    size_t piece = 0;           // bytes are sent in pieces of this size; 0: as they come
    int64_t pause_ms = 0;       // between two pieces
    bool garbled = false;       // the rates of the two ends differ
  };

  explicit Wire(uint32_t seed) : random_(seed) {}

  [[nodiscard]] Faults& faults() { return faults_; }
  // Text of whole lines, or an echo.
  void send(std::string_view bytes);
  // Random bytes without CR or LF.
  void send_garbage(size_t bytes);
  // What may be written to the line now, at most `most` bytes. The caller takes off what the line took.
  [[nodiscard]] std::string_view ready(int64_t now_ms, size_t most);
  void taken(size_t bytes, int64_t now_ms);
  // When ready() has more: now, or after a pause. INT64_MAX: nothing waits.
  [[nodiscard]] int64_t due_ms(int64_t now_ms) const;
  [[nodiscard]] size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] uint64_t lost() const { return lost_; }
  void clear();

 private:
  void push(std::string_view bytes);

  Faults faults_;
  std::minstd_rand random_;
  std::string waiting_;
  int64_t next_piece_ms_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace sim::modem
