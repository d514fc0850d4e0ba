// A client of RFC 2217: the first byte picks what it may do and how the stream is cut. However it is cut, the same
// data, wishes and answers come out; no more data than went in; what is answered is bounded; and what the encoder
// writes, the parser reads back.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "rfc2217.hpp"

namespace {

using namespace channel_tcp;

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "fuzz-rfc2217: %s\n", what);
  std::abort();
}

rfc2217::Values some_values() {
  rfc2217::Values values;
  values.baud = 0xFF00FFFFU;  // its bytes are doubled
  values.data_bits = 8;
  values.parity = values.stop_size = 1;
  values.modem = 0xB0;
  return values;
}

struct Seen {
  std::string data, replies;
  uint64_t malformed = 0;
};

Seen run(std::string_view stream, size_t step, bool read_only) {
  rfc2217::Session session(read_only);
  Seen seen;
  const rfc2217::Values values = some_values();
  static_cast<void>(session.hello());
  for (size_t at = 0; at < stream.size(); at += step) {
    session.feed(stream.substr(at, step), seen.replies);
    for (; !session.events().empty(); session.pop()) {
      const rfc2217::Event& e = session.events().front();
      if (e.asks == !e.data.empty()) broken("an event is both or neither");
      if (read_only && e.wish.changes()) broken("a read-only client wishes");
      if (e.wish.data_bits && (*e.wish.data_bits < 5 || *e.wish.data_bits > 8))
        broken("so many data bits do not exist");
      if (e.wish.purge > 3) broken("no such buffer");
      seen.data += e.data;
      if (e.asks) seen.replies += session.answer(e, values);
    }
    if (session.data_bytes() != 0) broken("data are counted that are not there");
  }
  seen.malformed = session.malformed();
  if (seen.data.size() > stream.size()) broken("more data came out than went in");
  // The shortest that is answered is IAC DO x; the longest answer is that of the signature, to 6 bytes.
  if (seen.replies.size() > stream.size() * 5 + 16) broken("the answers are too long");
  return seen;
}

class Data final : public telnet::Parser::Sink {
 public:
  void on_data(std::string_view bytes) override { all += bytes; }
  void on_option(telnet::Command, uint8_t) override { broken("data became an option"); }
  void on_subnegotiation(uint8_t, std::string_view) override { broken("data became a sub-negotiation"); }
  void on_malformed(size_t) override { broken("data became malformed"); }
  std::string all;
};

void there_and_back(std::string_view plain, size_t step, bool binary) {
  telnet::Encoder encoder;
  telnet::Parser parser;
  encoder.set_binary(binary);
  parser.set_binary(binary);
  std::string wire;
  for (size_t at = 0; at < plain.size(); at += step) {
    const std::string_view piece = plain.substr(at, step);
    const size_t before = wire.size();
    const bool same = encoder.plain(piece);
    encoder.append(wire, piece);
    if (same && wire.compare(before, std::string::npos, piece) != 0) broken("plain bytes were changed");
  }
  Data data;
  for (size_t at = 0; at < wire.size(); at += step) parser.feed(std::string_view(wire).substr(at, step), data);
  if (data.all != plain) broken("what was written is not what is read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const bool read_only = (data[0] & 1U) != 0;
  const size_t step = (data[0] >> 1U) % 32U + 1;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (stream.size() > 4096) return 0;
  const Seen cut = run(stream, step, read_only);
  const Seen bytes = run(stream, 1, read_only);
  if (cut.data != bytes.data) broken("the cut changes the data");
  if (cut.malformed != bytes.malformed) broken("the cut changes what is malformed");
  there_and_back(stream, step, true);
  there_and_back(stream, step, false);
  return 0;
}
