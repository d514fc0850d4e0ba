// CRC registers at marks along a growing text, so that the CRC of any piece costs two short runs instead of the piece:
// this is what keeps looking for frames in a hostile stream linear.
#pragma once
#include "crc32.hpp"

#include <algorithm>
#include <vector>

namespace command_dtu {

class RunningCrc {
 public:
  static constexpr size_t block = 64;          // bytes between marks
  static constexpr size_t short_length = 256;  // pieces up to here are gone over: less work than two marks

  explicit RunningCrc(CrcKind kind) : kind_(kind) {}

  void clear() noexcept { marks_.clear(); }
  // The text lost its first `blocks` blocks.
  void drop_front(size_t blocks) {
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(std::min(blocks, marks_.size())));
  }
  // The CRC of text[from, from + length).
  [[nodiscard]] uint32_t of(std::string_view text, size_t from, size_t length) {
    if (length <= short_length) return crc_end(kind_, run(crc_begin, text.substr(from, length)));
    return crc_of_span(kind_, at(text, from), at(text, from + length), length);
  }

  // Bytes gone over since the beginning: what tests hold against the bytes fed.
  [[nodiscard]] uint64_t work() const noexcept { return work_; }

 private:
  uint32_t run(uint32_t reg, std::string_view bytes) {
    work_ += bytes.size();
    return crc_run(kind_, reg, bytes);
  }
  uint32_t at(std::string_view text, size_t position) {
    if (marks_.empty()) marks_.push_back(crc_begin);
    while (marks_.size() <= position / block)
      marks_.push_back(run(marks_.back(), text.substr((marks_.size() - 1) * block, block)));
    const size_t mark = position / block;
    return run(marks_[mark], text.substr(mark * block, position - mark * block));
  }

  CrcKind kind_;
  uint64_t work_ = 0;
  std::vector<uint32_t> marks_;  // marks_[k]: the register before byte k * block
};

}  // namespace command_dtu
