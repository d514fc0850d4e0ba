// Takes an answer off a connection piece by piece. Nothing is read ahead of what the pieces may be long.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "http/connection.hpp"

namespace http {

class AnswerReader {
 public:
  AnswerReader(Connection& connection, const Patience& patience) : connection_(connection), patience_(patience) {}

  // Status line and header, with the empty line behind them; at most 32 KiB. Throws Broken: `closed` when the server
  // closed before the first byte of the first head.
  [[nodiscard]] std::string head();
  using Sink = std::function<void(std::string_view)>;
  // Bodies, into `sink` as they come; more than `most` bytes of them: Broken, too_large.
  void counted(const Sink& sink, uint64_t length, uint64_t most);
  void chunked(const Sink& sink, uint64_t most);
  void to_the_end(const Sink& sink, uint64_t most);
  [[nodiscard]] bool left_over() const { return at_ < buffer_.size(); }

 private:
  [[nodiscard]] bool fill();  // false: the server has closed
  [[nodiscard]] std::string line(size_t most);
  void take(const Sink& sink, uint64_t length, uint64_t most);
  [[noreturn]] void bad(const std::string& what) const;

  Connection& connection_;
  const Patience& patience_;
  std::string buffer_;
  size_t at_ = 0;
  uint64_t taken_ = 0;  // bytes of the body
  bool begun_ = false;
};

}  // namespace http
