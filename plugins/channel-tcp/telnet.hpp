// Telnet's bytes (RFC 854): a parser that takes a stream however it is cut, and what writes it. Pure; knows no option.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace channel_tcp::telnet {

enum Command : uint8_t { SE = 240, SB = 250, WILL = 251, WONT = 252, DO = 253, DONT = 254, IAC = 255 };
enum Option : uint8_t { BINARY = 0, ECHO = 1, SUPPRESS_GO_AHEAD = 3, COM_PORT = 44 };

class Parser {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void on_data(std::string_view bytes) = 0;  // never empty
    virtual void on_option(Command command, uint8_t option) = 0;
    // Without the escapes, at most kMostParameters bytes.
    virtual void on_subnegotiation(uint8_t option, std::string_view parameters) = 0;
    // A sub-negotiation that is too long, or in which another command stood: bytes that came to nothing.
    virtual void on_malformed(size_t bytes) = 0;
  };
  static constexpr size_t kMostParameters = 512;

  // The bytes are used within the call.
  void feed(std::string_view bytes, Sink& sink);
  // Whether a CR is a byte as any other (binary), or CR NUL is a CR (the network virtual terminal). Binary at first.
  // May be called by the sink: it holds from the next byte.
  void set_binary(bool yes) { binary_ = yes; }

 private:
  enum class State { data, command, option, sub_option, parameters, parameters_command };
  size_t take_data(std::string_view bytes, Sink& sink);
  void take_command(uint8_t byte, Sink& sink);
  void take_parameter(uint8_t byte, Sink& sink);
  void end_parameters(uint8_t byte, Sink& sink);

  State state_ = State::data;
  Command command_ = IAC;
  uint8_t option_ = 0;
  bool binary_ = true, after_cr_ = false;
  std::string parameters_;
  size_t dropped_ = 0;  // parameters beyond the limit
};

void append_option(std::string& out, Command command, uint8_t option);
void append_subnegotiation(std::string& out, uint8_t option, std::string_view parameters);  // doubles 255

// Data on its way out: 255 doubled and, unless binary, a NUL after a CR that no LF follows.
class Encoder {
 public:
  void set_binary(bool yes) {
    binary_ = yes;
    after_cr_ = false;
  }
  // Nothing has to be changed in these bytes, so they may go out as they are.
  [[nodiscard]] bool plain(std::string_view bytes) const;
  void append(std::string& out, std::string_view bytes);

 private:
  bool binary_ = true, after_cr_ = false;
};

}  // namespace channel_tcp::telnet
