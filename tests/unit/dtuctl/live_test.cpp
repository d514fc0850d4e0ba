// tap and log: lines as they come, and every way to end.
#include "fixture.hpp"

namespace dtuctl::test {
namespace {

// 2026-11-20 11:12:56.789012345 UTC
constexpr const char* kText = R"({"time_ns": 1795173176789012345, "target": "port 1", "direction": "in", "route": "",
 "peer": "", "length": 10, "data_b64": "QVQrQ1NRDQoJWg=="})";
constexpr const char* kBinary = R"({"time_ns": 1795173176789012345, "target": "channel 2", "direction": "out",
 "route": "5", "peer": "10.0.0.1:502", "length": 20, "data_b64": "AQMAAAACxAv/AQMAAAACxAv/IX4="})";
constexpr const char* kMissed = R"({"missed": 3})";

std::string one_line(std::string json) {
  std::replace(json.begin(), json.end(), '\n', ' ');
  return json;
}

class LiveTest : public DtuctlTest {
 protected:
  Process& start(const std::vector<std::string>& words) {
    process_.emplace(command(words));
    EXPECT_TRUE(backend_.wait_feeds(1));
    return *process_;
  }
  void push(const char* json) { backend_.push(one_line(json)); }
  std::optional<Process> process_;
};

TEST_F(LiveTest, TapShowsTextAsTextAndTheRestAsHex) {
  Process& p = start({"tap", "all", "--count", "2"});
  EXPECT_EQ(backend_.body_of("tap all"), "");
  push(kText);
  EXPECT_TRUE(p.read_until("\n"));  // a line comes when it came, not with the next
  push(kMissed);
  push(kBinary);
  const Result r = p.finish();
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.out,
            "11:12:56.789012  <-  port 1           10 B  AT+CSQ\\r\\n\\tZ\n"
            "--  3 messages missed: too fast to be shown\n"
            "11:12:56.789012  ->  channel 2        20 B  [route 5, peer 10.0.0.1:502]\n"
            "    0000  01 03 00 00 00 02 c4 0b  ff 01 03 00 00 00 02 c4  |................|\n"
            "    0010  0b ff 21 7e                                       |..!~|\n");
  EXPECT_EQ(r.err, "dtuctl: 2 messages, 3 missed\n");
  EXPECT_TRUE(backend_.wait_feeds(0));
}

TEST_F(LiveTest, TapNamesNoPeerWhereThereIsNone) {
  Process& p = start({"tap", "all", "--count", "1"});
  push(
      R"({"time_ns": 1, "target": "port 1", "direction": "in", "route": "", "peer": 0, "length": 1, "data_b64": "eA=="})");
  EXPECT_THAT(p.finish().out, testing::Not(testing::HasSubstr("peer")));
}

TEST_F(LiveTest, TapEndsCleanlyAtCtrlC) {
  Process& p = start({"tap", "port:1"});
  push(kText);
  ASSERT_TRUE(p.read_until("AT+CSQ"));
  p.interrupt();
  const Result r = p.finish();
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.err, "dtuctl: 1 message\n");
  EXPECT_TRUE(backend_.wait_feeds(0));
}

TEST_F(LiveTest, TapEndsAfterItsTime) {
  const Result r = dtuctl({"tap", "port:1", "--for", "1"});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.err, "dtuctl: 0 messages\n");
}

TEST_F(LiveTest, TapOfAnUnknownTarget) {
  answer("tap port:9", R"({"error": "there is no port 9"})", 404);
  const Result r = dtuctl({"tap", "port:9"});
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.err, "dtuctl: there is no port 9\n");
}

TEST_F(LiveTest, TapSaysWhenDtudStops) {
  Process& p = start({"tap", "all"});
  push(kText);
  ASSERT_TRUE(p.read_until("AT+CSQ"));
  running_->stop(std::chrono::steady_clock::now() + kPatience);
  const Result r = p.finish();
  EXPECT_EQ(r.code, 3);
  EXPECT_THAT(r.err, HasSubstr("dtud closed the connection"));
}

constexpr char kEvent[] =
    R"({"time_ns": 1700000000000000000, "seq": 7, "name": "sms.received", "source": "hal sim", "data": {"text": "hi"}})";
constexpr char kLastState[] =
    R"({"time_ns": 1700000000000000000, "seq": 3, "name": "wifi.link", "source": "hal sim", "state": true, "last": true, "data": {"up":true}})";
constexpr char kGoneState[] =
    R"({"time_ns": 1700000000000000000, "seq": 9, "name": "wifi.link", "source": "hal sim", "state": true, "gone": true, "data": {}})";

TEST_F(LiveTest, EventsShowWhatIsToldByWhom) {
  Process& p = start({"events", "--count", "3"});
  EXPECT_EQ(backend_.body_of("events "), "") << "without a prefix: all of them";
  push(kLastState);
  EXPECT_TRUE(p.read_until("\n"));
  push(kMissed);
  push(kEvent);
  push(kGoneState);
  const Result r = p.finish();
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.out, HasSubstr("wifi.link             hal sim       last  {\"up\":true}\n"));
  EXPECT_THAT(r.out, HasSubstr("--  3 events missed: too fast to be shown\n"));
  EXPECT_THAT(r.out, HasSubstr("sms.received          hal sim       {\"text\":\"hi\"}\n"));
  EXPECT_THAT(r.out, HasSubstr("wifi.link             hal sim       gone  \n"));
}

TEST_F(LiveTest, EventsAsJsonOfAPrefix) {
  Process& p = start({"--json", "events", "sms.", "-n", "1"});
  EXPECT_EQ(backend_.body_of("events sms."), "");
  push(kEvent);
  EXPECT_EQ(p.finish().out, std::string(kEvent) + "\n");
}

TEST_F(LiveTest, EventsThatAreRefused) {
  answer("events sms*", R"({"error": "prefix=sms* is neither"})", 400);
  const Result r = dtuctl({"events", "sms*"});
  EXPECT_NE(r.code, 0);
  EXPECT_THAT(r.err, HasSubstr("is neither"));
}

TEST_F(LiveTest, TapAsJson) {
  Process& p = start({"--json", "tap", "all", "-n", "1"});
  push(kMissed);
  push(kText);
  EXPECT_EQ(p.finish().out, std::string(kMissed) + "\n" + one_line(kText) + "\n");
}

TEST_F(LiveTest, ALargeMessageComesWhole) {
  Process& p = start({"--json", "tap", "all", "-n", "1"});
  const std::string line =
      R"({"target": "port 1", "direction": "in", "length": 150000, "data_b64": ")" + std::string(200'000, 'A') + "\"}";
  backend_.push(line);
  EXPECT_EQ(p.finish().out, line + "\n");
}

// A pcapng file read back by the letter of its specification.
class Capture {
 public:
  struct Option {
    uint16_t code;
    std::string value;
  };
  struct Block {
    uint32_t type;
    std::string body;
  };
  explicit Capture(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const uint32_t type = u32(bytes, at);
      const uint32_t length = u32(bytes, at + 4);
      if (length < 12 || length % 4 != 0 || at + length > bytes.size()) throw std::runtime_error("bad block length");
      if (u32(bytes, at + length - 4) != length) throw std::runtime_error("the two lengths differ");
      blocks.push_back({type, bytes.substr(at + 8, length - 12)});
      at += length;
    }
  }
  static uint32_t u32(const std::string& s, size_t at) {
    uint32_t v = 0;
    for (size_t i = 0; i < 4; ++i) v |= static_cast<uint32_t>(static_cast<unsigned char>(s.at(at + i))) << (8 * i);
    return v;
  }
  static uint16_t u16(const std::string& s, size_t at) {
    return static_cast<uint16_t>(u32(s + std::string(4, '\0'), at) & 0xFFFFU);
  }
  static std::string option(const std::string& body, size_t at, uint16_t code) {
    while (at + 4 <= body.size() && u16(body, at) != 0) {
      const uint16_t length = u16(body, at + 2);
      if (u16(body, at) == code) return body.substr(at + 4, length);
      at += 4 + (length + 3U) / 4 * 4;
    }
    return "(none)";
  }
  std::vector<Block> blocks;
};

TEST_F(LiveTest, TapWritesACapture) {
  const std::string file = dir_.file("t.pcapng");
  Process& p = start({"tap", "all", "--pcapng", file, "--count", "3"});
  push(kText);
  push(kBinary);
  push(kText);
  EXPECT_EQ(p.finish().code, 0);
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const Capture c(bytes);
  ASSERT_EQ(c.blocks.size(), 6U);
  EXPECT_EQ(c.blocks[0].type, 0x0A0D0D0AU);
  EXPECT_EQ(Capture::u32(c.blocks[0].body, 0), 0x1A2B3C4DU);
  EXPECT_EQ(Capture::u32(c.blocks[0].body, 4), 1U);  // version 1.0
  const std::array<uint32_t, 5> types{1, 6, 1, 6, 6};
  for (size_t i = 0; i < types.size(); ++i) EXPECT_EQ(c.blocks[i + 1].type, types[i]);
  EXPECT_EQ(Capture::u16(c.blocks[1].body, 0), 147);
  EXPECT_EQ(Capture::option(c.blocks[1].body, 8, 2), "port 1");
  EXPECT_EQ(Capture::option(c.blocks[1].body, 8, 9), "\x09");
  EXPECT_EQ(Capture::option(c.blocks[3].body, 8, 2), "channel 2");
  const std::string& text = c.blocks[2].body;
  EXPECT_EQ(Capture::u32(text, 0), 0U);
  EXPECT_EQ((static_cast<uint64_t>(Capture::u32(text, 4)) << 32U) | Capture::u32(text, 8), 1795173176789012345U);
  EXPECT_EQ(Capture::u32(text, 12), 10U);
  EXPECT_EQ(Capture::u32(text, 16), 10U);
  EXPECT_EQ(text.substr(20, 10), "AT+CSQ\r\n\tZ");
  EXPECT_EQ(Capture::option(text, 32, 2), std::string("\x01\0\0\0", 4));
  EXPECT_EQ(Capture::option(text, 32, 1), "port 1, in");
  const std::string& binary = c.blocks[4].body;
  EXPECT_EQ(Capture::u32(binary, 0), 1U);
  EXPECT_EQ(Capture::u32(binary, 12), 20U);
  EXPECT_EQ(Capture::option(binary, 40, 2), std::string("\x02\0\0\0", 4));
  EXPECT_EQ(Capture::option(binary, 40, 1), "channel 2, out, route 5, peer 10.0.0.1:502");
  EXPECT_EQ(Capture::u32(c.blocks[5].body, 0), 0U);
}

TEST_F(LiveTest, ACaptureThatCannotBeWritten) {
  const Result r = dtuctl({"tap", "all", "--pcapng", dir_.file("no/such/dir"), "-n", "1"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("cannot write " + dir_.file("no/such/dir")));
}

constexpr const char* kLog = R"({"lines": [{"time_ns": 1795173176789012345, "level": "warning", "who": "channel 1",
 "text": "the broker\u001b[2J is gone"}]})";

TEST_F(LiveTest, Log) {
  answer("log 100", kLog);
  answer("log 5", R"({"lines": []})");
  EXPECT_EQ(dtuctl({"log"}).out, "2026-11-20 11:12:56.789  warning  channel 1     the broker\\x1b[2J is gone\n");
  EXPECT_EQ(dtuctl({"log", "-n", "5"}).out, "");
  EXPECT_EQ(dtuctl({"log", "--json"}).out, std::string(kLog) + "\n");
}

TEST_F(LiveTest, LogFollowed) {
  answer("log 1", kLog);
  Process& p = start({"log", "-f", "-n1"});
  push(R"({"time_ns": 1795173177000000000, "level": "info", "who": "dtud", "text": "new"})");
  EXPECT_TRUE(p.read_until("new\n"));
  p.interrupt();
  const Result r = p.finish();
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.out,
            "2026-11-20 11:12:56.789  warning  channel 1     the broker\\x1b[2J is gone\n"
            "2026-11-20 11:12:57.000  info     dtud          new\n");
}

}  // namespace
}  // namespace dtuctl::test
