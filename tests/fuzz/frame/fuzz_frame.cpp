// The frame parser: first byte picks the rules, second how the stream is cut. However it is cut, the same frames come
// out, every byte is in a frame or counted as dropped, and the work stays linear.
#include <cstdlib>
#include <string>

#include "frame_parser.hpp"

namespace {

using namespace command_dtu;

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "fuzz-frame: %s\n", what);
  std::abort();
}

class Sink : public FrameSink {
 public:
  void on_frame(const Frame& f) override {
    if (f.payload.size() > frame_payload_max) broken("a payload is too long");
    seen += f.local ? 'L' : 'D';
    seen.append(std::to_string(f.channel)).append("/").append(f.topic).append("/");
    seen.append(std::to_string(f.payload.size())).append(":").append(f.payload);
    used += f.payload.size();
  }
  void on_drop(Drop, uint64_t bytes) override { dropped += bytes; }
  std::string seen;
  uint64_t used = 0;
  uint64_t dropped = 0;
};

FrameRules rules_of(uint8_t choice) {
  FrameRules rules;
  rules.through = (choice & 1U) != 0;
  rules.crc = (choice & 2U) != 0 ? CrcKind::mpeg2 : CrcKind::zlib;
  if (!rules.through) {
    rules.channels = {{1, false, {}}, {2, true, {"0", "up"}}, {3, true, {}}};
  } else if ((choice & 4U) != 0) {
    rules.channels = {{1, (choice & 8U) != 0, {}}};
  }
  return rules;
}

Sink run(const FrameRules& rules, std::string_view stream, size_t step) {
  Sink sink;
  FrameParser parser(rules, sink);
  size_t feeds = 0;
  for (size_t at = 0; at < stream.size(); at += step, ++feeds) parser.feed(stream.substr(at, step));
  parser.line_idle();
  if (parser.wants_idle()) broken("something is left after the line was idle");
  if (sink.used + sink.dropped > stream.size()) broken("more came out than went in");
  if (parser.looks() > stream.size() + 2 * feeds + 1) broken("a position was looked at too often");
  if (parser.crc_work() > 2 * stream.size() + (stream.size() / 4 + feeds) * 512) broken("the work is not linear");
  return sink;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const FrameRules rules = rules_of(data[0]);
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Sink whole = run(rules, stream, std::max<size_t>(stream.size(), 1));
  const Sink cut = run(rules, stream, data[1] % 64U + 1);
  if (cut.seen != whole.seen) broken("the cut changes the frames");
  if (cut.dropped != whole.dropped) broken("the cut changes the drops");
  return 0;
}
