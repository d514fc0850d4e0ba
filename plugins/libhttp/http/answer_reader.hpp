// Takes an answer off a connection piece by piece. Nothing is read ahead of what the pieces may be long.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/connection.hpp"

namespace http {

class AnswerReader {
 public:
  AnswerReader(Connection& connection, const Patience& patience) : connection_(connection), patience_(patience) {}

  // Status line and header, with the empty line behind them; at most 32 KiB. Throws Broken: `closed` when the server
  // closed before the first byte of the first head.
  [[nodiscard]] std::string head();
  // Bodies, appended to `out`, which may not grow above `most`: Broken, too_large.
  void counted(std::string& out, uint64_t length, size_t most);
  void chunked(std::string& out, size_t most);
  void to_the_end(std::string& out, size_t most);
  [[nodiscard]] bool left_over() const { return at_ < buffer_.size(); }

 private:
  [[nodiscard]] bool fill();  // false: the server has closed
  [[nodiscard]] std::string line(size_t most);
  void take(std::string& out, uint64_t length, size_t most);
  [[noreturn]] void bad(const std::string& what) const;

  Connection& connection_;
  const Patience& patience_;
  std::string buffer_;
  size_t at_ = 0;
  bool begun_ = false;
};

}  // namespace http
