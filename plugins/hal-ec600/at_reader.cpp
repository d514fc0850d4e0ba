#include "at_reader.hpp"

#include <algorithm>

namespace hal_ec600 {

void AtReader::feed(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    if (skip_feed_) {
      skip_feed_ = false;
      if (bytes[at] == '\n') {
        ++at;
        continue;
      }
    }
    if (counting_)
      take_data(bytes, at);
    else
      take_line_byte(bytes, at);
  }
}

void AtReader::count(size_t bytes) {
  counting_ = bytes != 0;
  counted_ = bytes;
  data_.clear();
}

void AtReader::reset() {
  line_.clear();
  data_.clear();
  counting_ = skip_feed_ = prompt_ = false;
  counted_ = 0;
}

// Takes what belongs to the line, up to its end.
void AtReader::take_line_byte(std::string_view bytes, size_t& at) {
  if (prompt_ && line_.empty() && bytes[at] == '>') {
    ++at;
    prompt_ = false;
    return sink_.on_prompt();
  }
  if (line_.empty() && (bytes[at] == ' ' || bytes[at] == '\0')) {  // a blank behind a prompt, noise of a power-up
    ++at;
    return;
  }
  const size_t end = std::min(bytes.find_first_of("\r\n", at), bytes.size());
  const size_t taken = std::min(end - at, kLongestLine - line_.size());
  line_.append(bytes.substr(at, taken));
  lost_ += end - at - taken;
  at = end;
  if (at == bytes.size()) return;
  skip_feed_ = bytes[at++] == '\r';
  end_line();
}

void AtReader::take_data(std::string_view bytes, size_t& at) {
  const size_t taken = std::min(counted_, bytes.size() - at);
  data_.append(bytes.substr(at, taken));
  at += taken;
  counted_ -= taken;
  if (counted_ != 0) return;
  counting_ = false;
  std::string data;
  data.swap(data_);
  sink_.on_data(data);
}

void AtReader::end_line() {
  if (line_.empty()) return;
  std::string line;
  line.swap(line_);  // on_line() may call reset()
  sink_.on_line(line);
  line.clear();
  if (line_.empty()) line_.swap(line);  // its memory serves the next line
}

}  // namespace hal_ec600
