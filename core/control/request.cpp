#include "control/request.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/String.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>
#include <vector>

namespace dtud::control {
namespace {

using Poco::Net::HTTPRequest;

constexpr size_t kLongestSizeLine = 1024;

std::vector<std::string> all_of(const HTTPRequest& head, const std::string& name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : head)
    if (Poco::icompare(key, name) == 0) values.push_back(value);
  return values;
}

// The offset behind the empty line that ends a head, or npos.
size_t end_of_head(std::string_view text) {
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (text.substr(at + 1, 1) == "\n") return at + 2;
    if (text.substr(at + 1, 2) == "\r\n") return at + 3;
  }
  return std::string_view::npos;
}

}  // namespace

RequestReader::State RequestReader::state() const {
  if (part_ == Part::refused) return State::refused;
  return part_ == Part::complete ? State::complete : State::incomplete;
}

RequestReader::State RequestReader::take(std::string_view bytes) {
  buffer_.append(bytes);
  waits_ = false;
  while (!waits_ && state() == State::incomplete) step();
  buffer_.erase(0, std::exchange(at_, 0));
  return state();
}

RequestReader::State RequestReader::end() {
  if (state() == State::incomplete && begun())
    refuse(400, "the request ended before it was complete: nothing was done");
  return state();
}

bool RequestReader::take_continue() { return std::exchange(continue_, false) && state() == State::incomplete; }

Request RequestReader::request() {
  part_ = Part::head;
  continue_ = false;
  return std::exchange(request_, {});
}

void RequestReader::refuse(int status, std::string_view text) {
  refusal_ = Answer::error(status, text);
  part_ = Part::refused;
}

void RequestReader::step() {
  switch (part_) {
    case Part::head:
      return read_head();
    case Part::counted:
      return read_counted();
    case Part::chunk_size:
      return read_chunk_size();
    case Part::chunk_data:
      return read_chunk_data();
    case Part::chunk_end:
      return read_chunk_end();
    case Part::trailers:
      return read_trailers();
    case Part::complete:
    case Part::refused:
      break;
  }
}

// Without its end. False: it is not there yet, or is too long and refused.
bool RequestReader::take_line(std::string_view& line, size_t longest, const char* what) {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  const size_t end = rest.find('\n');
  if (std::min(end, rest.size()) > longest) {
    refuse(400, std::string(what) + " is too long: nothing was done");
    return false;
  }
  waits_ = end == std::string_view::npos;
  if (waits_) return false;
  line = rest.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  at_ += end + 1;
  return true;
}

void RequestReader::read_head() {
  while (at_ < buffer_.size() && (buffer_[at_] == '\r' || buffer_[at_] == '\n')) ++at_;  // empty lines before it
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  const size_t length = end_of_head(rest.substr(0, limits_.head));
  if (length == std::string_view::npos) {
    if (rest.size() >= limits_.head)
      return refuse(431, "the head of the request is over " + std::to_string(limits_.head) + " bytes");
    waits_ = true;
    return;
  }
  const std::string text(rest.substr(0, length));
  at_ += length;
  take_head(text);
}

void RequestReader::take_head(const std::string& text) {
  HTTPRequest head;
  try {
    std::istringstream in(text);
    head.read(in);
  } catch (const Poco::Exception&) {
    return refuse(400, "this is not an HTTP request");
  }
  const std::string& version = head.getVersion();
  if (version != HTTPRequest::HTTP_1_1 && version != HTTPRequest::HTTP_1_0)
    return refuse(400, "this is not an HTTP/1.1 request");
  request_.method = head.getMethod();
  request_.target = head.getURI();
  request_.keep_alive = head.getKeepAlive();
  request_.chunks = version == HTTPRequest::HTTP_1_1;
  continue_ = Poco::icompare(head.get("Expect", ""), "100-continue") == 0;
  take_framing(head);
}

// How long the body is.
void RequestReader::take_framing(const HTTPRequest& head) {
  const auto lengths = all_of(head, HTTPRequest::CONTENT_LENGTH);
  const auto encodings = all_of(head, HTTPRequest::TRANSFER_ENCODING);
  const std::string& method = request_.method;
  if (lengths.size() + encodings.size() > 1)
    return refuse(400, "the request has more than one Content-Length or Transfer-Encoding");
  if (!encodings.empty()) {
    if (Poco::icompare(encodings.front(), "chunked") != 0)
      return refuse(400, "the only Transfer-Encoding that is supported is \"chunked\"");
    if (method == HTTPRequest::HTTP_GET) return refuse(400, "GET takes no body");
    part_ = Part::chunk_size;
    return;
  }
  if (lengths.empty()) {
    if (method == HTTPRequest::HTTP_PUT || method == HTTPRequest::HTTP_POST || method == HTTPRequest::HTTP_PATCH)
      return refuse(400, "send Content-Length, or the body in chunks");
    part_ = Part::complete;
    return;
  }
  const std::string& text = lengths.front();
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, left_);
  if (stop != end || error == std::errc::invalid_argument) return refuse(400, "Content-Length is not a number");
  if (error != std::errc() || left_ > limits_.body)
    return refuse(413, "the body is over " + std::to_string(limits_.body) + " bytes");
  if (left_ != 0 && method == HTTPRequest::HTTP_GET) return refuse(400, "GET takes no body");
  part_ = left_ == 0 ? Part::complete : Part::counted;
}

void RequestReader::read_counted() {
  const size_t n = std::min(left_, buffer_.size() - at_);
  request_.body.append(buffer_, at_, n);
  at_ += n;
  left_ -= n;
  waits_ = left_ != 0;
  if (left_ == 0) part_ = Part::complete;
}

void RequestReader::read_chunk_size() {
  std::string_view line;
  if (!take_line(line, kLongestSizeLine, "the size of a chunk")) return;
  const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
  const size_t rest = std::min(line.find_first_not_of(" \t", static_cast<size_t>(stop - line.data())), line.size());
  if (error == std::errc::invalid_argument || (rest < line.size() && line[rest] != ';'))
    return refuse(400, "the size of a chunk is not a hexadecimal number: nothing was done");
  if (error != std::errc() || left_ > limits_.body - request_.body.size())
    return refuse(413, "the body is over " + std::to_string(limits_.body) + " bytes");
  trailers_ = 0;
  part_ = left_ == 0 ? Part::trailers : Part::chunk_data;
}

void RequestReader::read_chunk_data() {
  const size_t n = std::min(left_, buffer_.size() - at_);
  request_.body.append(buffer_, at_, n);
  at_ += n;
  left_ -= n;
  waits_ = left_ != 0;
  if (left_ == 0) part_ = Part::chunk_end;
}

void RequestReader::read_chunk_end() {
  std::string_view line;
  if (!take_line(line, 1, "a chunk of the body")) return;
  if (!line.empty()) return refuse(400, "a chunk of the body is longer than its size says: nothing was done");
  part_ = Part::chunk_size;
}

void RequestReader::read_trailers() {
  std::string_view line;
  if (!take_line(line, limits_.head, "the trailer")) return;
  trailers_ += line.size();
  if (trailers_ > limits_.head) return refuse(400, "the trailer is too long: nothing was done");
  if (line.empty()) part_ = Part::complete;
}

}  // namespace dtud::control
