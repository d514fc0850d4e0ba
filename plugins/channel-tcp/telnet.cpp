#include "telnet.hpp"

#include <algorithm>

namespace channel_tcp::telnet {
namespace {

constexpr char kIac = static_cast<char>(IAC);

}  // namespace

void Parser::feed(std::string_view bytes, Sink& sink) {
  for (size_t at = 0; at < bytes.size();) {
    if (state_ == State::data) {
      at += take_data(bytes.substr(at), sink);
      continue;
    }
    const auto byte = static_cast<uint8_t>(bytes[at++]);
    switch (state_) {
      case State::command:
        take_command(byte, sink);
        break;
      case State::option:
        state_ = State::data;
        sink.on_option(command_, byte);
        break;
      case State::sub_option:
        option_ = byte;
        parameters_.clear();
        dropped_ = 0;
        state_ = State::parameters;
        break;
      case State::parameters:
        take_parameter(byte, sink);
        break;
      default:
        end_parameters(byte, sink);
        break;
    }
  }
}

// Data up to the next command, all in one piece but for what is left out. Answers how much of it was used, at least 1.
size_t Parser::take_data(std::string_view bytes, Sink& sink) {
  if (after_cr_) {
    after_cr_ = false;
    if (!binary_ && bytes.front() == '\0') return 1;
  }
  size_t end = std::min(bytes.find(kIac), bytes.size());
  const size_t cr = binary_ ? std::string_view::npos : bytes.substr(0, end).find('\r');
  const bool with_cr = cr != std::string_view::npos;
  if (with_cr) end = cr + 1;
  if (end != 0) sink.on_data(bytes.substr(0, end));
  if (with_cr) {
    after_cr_ = true;
    return end;
  }
  if (end == bytes.size()) return end;
  state_ = State::command;
  return end + 1;
}

void Parser::take_command(uint8_t byte, Sink& sink) {
  state_ = State::data;
  if (byte == IAC) {
    sink.on_data({&kIac, 1});
  } else if (byte >= WILL) {
    command_ = static_cast<Command>(byte);
    state_ = State::option;
  } else if (byte == SB) {
    state_ = State::sub_option;
  }  // the others (NOP, GA, AYT, ...) ask for nothing that a serial line has
}

void Parser::take_parameter(uint8_t byte, Sink& /*sink*/) {
  if (byte == IAC)
    state_ = State::parameters_command;
  else if (parameters_.size() < kMostParameters)
    parameters_ += static_cast<char>(byte);
  else
    ++dropped_;
}

void Parser::end_parameters(uint8_t byte, Sink& sink) {
  state_ = State::parameters;
  if (byte == IAC) {
    if (parameters_.size() < kMostParameters)
      parameters_ += kIac;
    else
      ++dropped_;
    return;
  }
  state_ = State::data;
  if (byte == SE && dropped_ == 0) return sink.on_subnegotiation(option_, parameters_);
  sink.on_malformed(parameters_.size() + dropped_);
  if (byte != SE) take_command(byte, sink);
}

void append_option(std::string& out, Command command, uint8_t option) {
  ((out += kIac) += static_cast<char>(command)) += static_cast<char>(option);
}

void append_subnegotiation(std::string& out, uint8_t option, std::string_view parameters) {
  append_option(out, SB, option);
  for (const char c : parameters) {
    if (c == kIac) out += kIac;
    out += c;
  }
  (out += kIac) += static_cast<char>(SE);
}

bool Encoder::plain(std::string_view bytes) const {
  if (bytes.find(kIac) != std::string_view::npos) return false;
  return binary_ || (!after_cr_ && bytes.find('\r') == std::string_view::npos);
}

void Encoder::append(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    if (after_cr_ && !binary_ && c != '\n') out += '\0';
    after_cr_ = !binary_ && c == '\r';
    if (c == kIac) out += kIac;
    out += c;
  }
}

}  // namespace channel_tcp::telnet
