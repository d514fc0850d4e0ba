// Cuts what a modem sends into lines, prompts and counted data. It holds at most one line, or the counted bytes asked
// for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hal_ec600 {

class AtReader {
 public:
  static constexpr size_t kLongestLine = 4'096;  // bytes; of a longer one the beginning comes, the rest is counted

  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void on_line(std::string_view line) = 0;  // without its end; never empty
    virtual void on_prompt() = 0;
    virtual void on_data(std::string_view bytes) = 0;  // all that were counted
  };
  explicit AtReader(Sink& sink) : sink_(sink) {}

  void feed(std::string_view bytes);
  // A > at the beginning of a line is a prompt, with or without a blank and a line end behind it (A3). Once.
  void await_prompt(bool yes) noexcept { prompt_ = yes; }
  // Within on_line(): behind the end of this line come `bytes` bytes of data, whatever they are. The caller bounds it.
  void count(size_t bytes);
  // Forgets a line or data begun.
  void reset();
  [[nodiscard]] uint64_t lost_bytes() const noexcept { return lost_; }  // of lines that were too long

 private:
  void take_line_byte(std::string_view bytes, size_t& at);
  void take_data(std::string_view bytes, size_t& at);
  void end_line();

  Sink& sink_;
  std::string line_, data_;
  size_t counted_ = 0;  // bytes of data still to come; > 0: they come now
  bool counting_ = false, skip_feed_ = false, prompt_ = false;
  uint64_t lost_ = 0;
};

}  // namespace hal_ec600
