#include "http/answer_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace http {
namespace {

constexpr size_t kHeadMost = 32768;
constexpr size_t kChunkLineMost = 1024;

}  // namespace

void AnswerReader::bad(const std::string& what) const {
  throw Broken(Trouble::failed, connection_.url().authority() + " sent an invalid HTTP answer: " + what);
}

bool AnswerReader::fill() {
  std::array<char, 8192> bytes{};
  const size_t n = connection_.read(bytes.data(), bytes.size(), patience_);
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  }
  buffer_.append(bytes.data(), n);
  begun_ = begun_ || n != 0;
  return n != 0;
}

// Up to the end of the line, without it.
std::string AnswerReader::line(size_t most) {
  std::string out;
  for (;;) {
    const size_t end = buffer_.find('\n', at_);
    const size_t upto = std::min(end, buffer_.size());
    if (out.size() + (upto - at_) > most) bad("a line of its answer is too long");
    out.append(buffer_, at_, upto - at_);
    at_ = upto;
    if (end != std::string::npos) {
      ++at_;
      if (!out.empty() && out.back() == '\r') out.pop_back();
      return out;
    }
    if (!fill()) {
      const auto trouble = begun_ ? Trouble::failed : Trouble::closed;
      throw Broken(trouble, connection_.url().authority() + " closed the connection " +
                                (begun_ ? "in the middle of its answer" : "without an answer"));
    }
  }
}

std::string AnswerReader::head() {
  std::string out;
  bool skipped = false;
  for (;;) {
    const std::string next = line(kHeadMost);
    if (next.empty() && out.empty()) {  // one empty line ahead of the status line is forgiven
      if (std::exchange(skipped, true)) bad("its answer does not begin with HTTP/1.");
      continue;
    }
    out.append(next).append("\r\n");
    if (out.compare(0, std::min<size_t>(out.size(), 7), "HTTP/1.", std::min<size_t>(out.size(), 7)) != 0)
      bad("its answer does not begin with HTTP/1.");
    if (next.empty()) return out;
    if (out.size() > kHeadMost) bad("the head of its answer is longer than " + std::to_string(kHeadMost) + " bytes");
  }
}

void AnswerReader::take(const Sink& sink, uint64_t length, uint64_t most) {
  if (length > most || taken_ > most - length)
    throw Broken(Trouble::too_large, "the answer of " + connection_.url().authority() + " is longer than " +
                                         std::to_string(most) + " bytes");
  while (length != 0) {
    if (at_ == buffer_.size() && !fill())
      throw Broken(Trouble::failed,
                   connection_.url().authority() + " closed the connection in the middle of its answer");
    const size_t n = std::min<uint64_t>(length, buffer_.size() - at_);
    sink(std::string_view(buffer_).substr(at_, n));
    at_ += n;
    taken_ += n;
    length -= n;
  }
}

void AnswerReader::counted(const Sink& sink, uint64_t length, uint64_t most) { take(sink, length, most); }

void AnswerReader::chunked(const Sink& sink, uint64_t most) {
  for (;;) {
    const std::string size = line(kChunkLineMost);
    uint64_t length = 0;
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), length, 16);
    const bool ended = end == size.data() + size.size() || *end == ';' || *end == ' ' || *end == '\t';
    if (error != std::errc{} || !ended) bad("a chunk of its answer does not begin with its size");
    if (length == 0) break;
    take(sink, length, most);
    if (!line(kChunkLineMost).empty()) bad("a chunk of its answer is longer than it says");
  }
  size_t trailers = 0;
  for (std::string trailer = line(kHeadMost); !trailer.empty(); trailer = line(kHeadMost)) {
    trailers += trailer.size();
    if (trailers > kHeadMost) bad("the end of its answer is longer than " + std::to_string(kHeadMost) + " bytes");
  }
}

void AnswerReader::to_the_end(const Sink& sink, uint64_t most) {
  do {
    take(sink, buffer_.size() - at_, most);
  } while (fill());
}

}  // namespace http
