// offline_storage: what was read from a port reaches the other end, whoever is killed meanwhile.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <ostream>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "harness/dtud.hpp"
#include "harness/faulty_link.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"

namespace e2e {
namespace {

using Clock = std::chrono::steady_clock;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // memory is not dtud's own then, and everything takes longer
#else
constexpr bool kSanitized = false;
#endif
constexpr std::chrono::milliseconds kWindow{10};  // what dtud may lose of the time before it is killed

std::string document(uint16_t port, const std::string& storage, const std::string& outbox = "") {
  return R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}}, "conf": {"1": {"serialID": "1",
    "protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "url": "127.0.0.1", "reconnect": {"min_ms": 10, "max_ms": 40},
    "offline_storage": ")" +
         storage + R"(", "outbox": {"overflow": "block")" + outbox + R"(}, "port": )" + std::to_string(port) + "}}}";
}

// Writes numbered lines, a few at a time, and notes when dtud has read them.
class Feeder {
 public:
  Feeder(Pty& pty, const Dtud& dtud) : pty_(pty), dtud_(dtud) {}

  // Goes on until the deadline. dtud was started since the last end.
  void feed(Clock::time_point until) {
    constexpr uint32_t kBurst = 20;
    uint64_t written = static_cast<uint64_t>(std::max<int64_t>(number(dtud_.port("1"), "rx_bytes"), 0));
    while (Clock::now() < until) {
      if (!pty_.write(marked_lines('a', last_ + 1, kBurst, 64))) return;
      last_ += kBurst;
      written += kBurst * 64;
      while (static_cast<uint64_t>(number(dtud_.port("1"), "rx_bytes")) < written)
        if (Clock::now() >= until) return;
      read_.push_back({Clock::now(), last_});
    }
  }
  // dtud was killed at that time: what it had read by then, less the window, must come; the rest may be lost.
  void killed(Clock::time_point at) {
    // What it had not read would go to the next one, in pieces.
    const Descriptor slave(::open(pty_.device().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    int unread = 1;
    while (::tcflush(slave.get(), TCIFLUSH) == 0 && ::ioctl(slave.get(), FIONREAD, &unread) == 0 && unread != 0) {
    }
    for (auto it = read_.rbegin(); it != read_.rend(); ++it)
      if (it->first <= at - kWindow) {
        must_ = it->second;
        break;
      }
    if (must_ < last_) lost_.push_back({must_ + 1, last_});
    must_ = last_;
    read_.clear();
  }
  [[nodiscard]] uint32_t last() const { return last_; }
  // Numbers of what must have come and has not.
  [[nodiscard]] std::string missing(const Tally& tally) const {
    std::string out;
    const auto& seen = tally.of('a').seen;
    for (uint32_t n = 1; n <= last_; ++n) {
      if (n < seen.size() && seen[n]) continue;
      const bool may =
          std::any_of(lost_.begin(), lost_.end(), [n](const auto& r) { return r.first <= n && n <= r.second; });
      if (!may && out.size() < 200) out += " " + std::to_string(n);
    }
    return out;
  }

 private:
  Pty& pty_;
  const Dtud& dtud_;
  uint32_t last_ = 0, must_ = 0;
  std::vector<std::pair<Clock::time_point, uint32_t>> read_;  // when dtud had taken all up to a number
  std::vector<std::pair<uint32_t, uint32_t>> lost_;           // what may be lost
};

uint32_t rounds(uint32_t usual) {
  const char* asked = std::getenv("DTU_KILL_ROUNDS");
  return asked != nullptr ? static_cast<uint32_t>(std::strtoul(asked, nullptr, 10)) : usual;
}

class OfflineTest : public testing::TestWithParam<const char*> {};

// dtud is killed at a random moment, again and again, while the server is there or not.
TEST_P(OfflineTest, KilledAtRandomMomentsItLosesNothing) {
  const uint32_t kRounds = rounds(kSanitized ? 40 : 100);
  const auto seed = static_cast<unsigned>(Clock::now().time_since_epoch().count());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random(seed);
  const auto pick = [&](unsigned from, unsigned to) { return from + random() % (to - from + 1); };
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  Feeder feeder(pty, dtud);
  dtud.ports({{"1", pty.device()}});
  dtud.device(document(link.port(), GetParam()));
  for (uint32_t round = 0; round < kRounds; ++round) {
    switch (pick(0, 4)) {
      case 0:
        link.refuse();
        link.reset();
        break;
      case 1:
        link.swallow();
        break;
      case 2:
        link.swallow_answers();
        break;
      default:
        link.pass();
    }
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    const auto end = Clock::now() + std::chrono::milliseconds(pick(5, 120));
    std::thread flips([&, flip = pick(0, 3), after = pick(0, 60)] {
      if (flip == 0) return;
      ::poll(nullptr, 0, static_cast<int>(after));  // a random moment, not something to wait for
      flip == 1 ? link.pass() : link.reset();
    });
    feeder.feed(end);
    const auto at = Clock::now();
    dtud.kill();
    flips.join();
    feeder.killed(at);
  }
  link.pass();
  link.reset();
  dtud.start();
  EXPECT_TRUE(dtud.port_is("1", "up"));
  feeder.feed(Clock::now() + std::chrono::milliseconds(50));
  EXPECT_TRUE(server.has('a', feeder.last()));
  EXPECT_TRUE(eventually([&] { return number(dtud.channel("1"), "outbox.messages") == 0; }));
  const Tally tally = server.tally();
  EXPECT_EQ(feeder.missing(tally), "") << "of " << feeder.last();
  EXPECT_EQ(tally.of('a').out_of_order, 0U);
  EXPECT_EQ(tally.broken(), 0U);
  // Sent again is only what was in flight: the channel's window and what stood in the connection's way.
  EXPECT_LE(tally.of('a').farthest_back, 1024U);
  EXPECT_EQ(dtud.stop(), 0);
  RecordProperty("messages", static_cast<int>(feeder.last()));
  std::printf("%u rounds, %u messages, %llu came again, at most %u back\n", kRounds, feeder.last(),
              static_cast<unsigned long long>(tally.of('a').again), tally.of('a').farthest_back);
}

INSTANTIATE_TEST_SUITE_P(Storage, OfflineTest, testing::Values("on", "always"),
                         [](const auto& info) { return std::string(info.param); });

Json spool_of(const Dtud& dtud) { return with(at(parse_json(dtud.get("/v1/spool").body), "channels"), "channel", "1"); }

// The outage outlives dtud twice over: killed while the server is away, and stopped.
TEST(Offline, AnOutageOutlivesAKillAndAStop) {
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  Feeder feeder(pty, dtud);
  dtud.ports({{"1", pty.device()}});
  dtud.device(document(link.port(), "on"));
  link.refuse();
  for (int life = 0; life < 3; ++life) {
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    const uint32_t before = feeder.last();
    feeder.feed(Clock::now() + std::chrono::milliseconds(300));
    ASSERT_GT(feeder.last(), before);
    ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", feeder.last()));
    if (life == 0) dtud.kill();
    if (life == 1) {
      EXPECT_EQ(dtud.stop(), 0);
    }
  }
  link.pass();
  EXPECT_TRUE(server.has('a', feeder.last()));
  EXPECT_EQ(server.tally().wrong('a', feeder.last()), "");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  // Nothing is left on the disk but at most a spare file.
  EXPECT_TRUE(eventually([&] { return number(spool_of(dtud), "disk.segments") == 0; }));
}

// A stop puts everything on the disk, so that it outlives the board, too: the runtime directory is emptied.
TEST(Offline, AStopPutsWhatWaitsOnTheDisk) {
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  Feeder feeder(pty, dtud);
  dtud.ports({{"1", pty.device()}});
  dtud.device(document(link.port(), "on"));
  link.refuse();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  feeder.feed(Clock::now() + std::chrono::milliseconds(100));
  EXPECT_EQ(dtud.stop(), 0);
  std::filesystem::remove_all(dtud.path("journal"));
  link.pass();
  dtud.start();
  EXPECT_TRUE(server.has('a', feeder.last()));
  EXPECT_EQ(server.tally().wrong('a', feeder.last()), "");
}

// Well is a link that confirms within two seconds. A machine too busy for that is asked again.
TEST(Offline, WhileAllIsWellTheDiskIsNotTouched) {
  for (int attempt = 0;; ++attempt) {
    ASSERT_LT(attempt, 5) << "the machine never had a second for us";
    Pty pty;
    MqttSink server;
    Dtud dtud;
    dtud.ports({{"1", pty.device()}});
    dtud.device(document(server.port(), "on"));
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    uint32_t last = 0;
    auto longest = Clock::duration::zero();
    for (const auto end = Clock::now() + std::chrono::seconds(4); Clock::now() < end; last += 20) {
      const auto begin = Clock::now();
      ASSERT_TRUE(pty.write(marked_lines('a', last + 1, 20, 64)));
      ASSERT_TRUE(server.has('a', last + 20));
      ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
      longest = std::max(longest, Clock::now() - begin);
    }
    if (longest > std::chrono::seconds(1)) continue;
    EXPECT_EQ(number(spool_of(dtud), "disk.bytes_written"), 0);
    EXPECT_FALSE(std::filesystem::exists(dtud.path("state/spool")));
    return;
  }
}

// 100 messages a second of 64 bytes: what the outage costs the flash, in whole blocks.
TEST(Offline, AnOutageCostsTheFlashAtMostTwiceThePayload) {
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(document(link.port(), "on"));
  link.refuse();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  uint32_t last = 0;
  const auto begin = Clock::now();
  while (Clock::now() < begin + std::chrono::seconds(8)) {
    const auto due = static_cast<uint32_t>((Clock::now() - begin) / std::chrono::milliseconds(10));
    for (; last < due; ++last) ASSERT_TRUE(pty.write(marked('a', last + 1, 64)));
    ::poll(nullptr, 0, 5);  // the pace of the sender
  }
  ASSERT_TRUE(eventually([&] { return number(spool_of(dtud), "disk.messages") == last; }));
  const int64_t written = number(spool_of(dtud), "disk.bytes_written");
  EXPECT_GT(written, 64 * int64_t{last});
  EXPECT_LE(written, 2 * 64 * int64_t{last}) << "of " << last << " messages";
  EXPECT_THAT(dtud.get("/metrics").body, testing::HasSubstr("dtu_flash_life_seconds "));
  link.pass();
  EXPECT_TRUE(server.has('a', last));
  EXPECT_EQ(server.tally().wrong('a', last), "");
}

TEST(Offline, AMillionMessagesTakeTwoMegabytesOfMemory) {
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(document(link.port(), "on", R"(, "disk_bytes": 1000000000, "disk_messages": 2000000)"));
  link.refuse();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 1000, 64)));
  ASSERT_TRUE(eventually([&] { return number(spool_of(dtud), "disk.messages") == 1000; }));
  const int64_t before = dtud.proc_number("VmRSS");
  const uint32_t last = kSanitized ? 50'000 : 1'000'000;
  for (uint32_t n = 1000; n < last; n += 1000) ASSERT_TRUE(pty.write(marked_lines('a', n + 1, 1000, 64)));
  ASSERT_TRUE(eventually([&] { return number(spool_of(dtud), "disk.messages") == last; }));
  if (!kSanitized) {
    EXPECT_LE(dtud.proc_number("VmRSS") - before, 2048) << "KiB, from " << before;
  }
  // And it begins to drain without taking it all into memory.
  const uint32_t drained = std::min<uint32_t>(last, 50'000);
  link.pass();
  EXPECT_TRUE(server.has('a', drained));
  EXPECT_EQ(server.tally().missing('a', drained), "");
  EXPECT_EQ(server.tally().of('a').out_of_order, 0U);
  if (!kSanitized) {
    EXPECT_LE(dtud.proc_number("VmRSS") - before, 4096) << "KiB in the drain";
  }
}

// The disk fills up, is said to be full, and everything recovers when there is room.
TEST(Offline, ASpoolThatIsFullBlocksTheSenderAndSaysSo) {
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(document(link.port(), "on", R"(, "disk_messages": 500, "messages": 100)"));
  link.refuse();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 600, 20)));
  ASSERT_TRUE(eventually([&] { return text(spool_of(dtud), "state") == "trouble"; }));
  EXPECT_THAT(text(spool_of(dtud), "error"), testing::HasSubstr("500 messages are allowed"));
  EXPECT_THAT(dtud.dtuctl({"spool"}).output, testing::HasSubstr("500 messages are allowed"));
  link.pass();
  EXPECT_TRUE(server.has('a', 600));
  EXPECT_EQ(server.tally().wrong('a', 600), "");
  EXPECT_TRUE(eventually([&] { return text(spool_of(dtud), "state") == "ok"; }));
}

// Links that break in each way while messages are stored, by protocol. Neuron lost 59 of 302 in a black hole.
struct Fault {
  const char* name;
  void (*begin)(FaultyLink& link);
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }
constexpr Fault kFaults[] = {
    {"refused", [](FaultyLink& link) { link.refuse(), link.reset(); }},
    {"black_hole", [](FaultyLink& link) { link.swallow(); }},
    {"answers_lost", [](FaultyLink& link) { link.swallow_answers(); }},
    {"half_open", [](FaultyLink& link) { link.half_open(); }},
    {"reset_in_the_handshake", [](FaultyLink& link) { link.reset_after(FaultyLink::Way::up, 7), link.reset(); }},
    {"reset_in_the_answer", [](FaultyLink& link) { link.reset_after(FaultyLink::Way::down, 2), link.reset(); }},
};

class BrokenLink : public testing::TestWithParam<std::tuple<std::string, Fault>> {};

TEST_P(BrokenLink, CostsNoMessageWhileTheyAreStored) {
  const auto& [protocol, fault] = GetParam();
  const bool tcp = protocol == "tcp";
  Pty pty;
  TcpSink lines;
  MqttSink broker;
  Recorder& server = tcp ? static_cast<Recorder&>(lines) : broker;
  FaultyLink link(server.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}}, "conf": {"1": {"serialID": "1",
    "reconnect": {"min_ms": 10, "max_ms": 40}, "offline_storage": "on", "outbox": {"overflow": "block"}, "protocol": ")" +
              protocol + R"(", "url": "127.0.0.1", "port": )" + std::to_string(link.port()) +
              (tcp ? "" : R"(, "qos": 1, "publish": {"0": "up"})") + "}}}");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  uint32_t last = 0;
  const auto write = [&](uint32_t count) {
    for (; count != 0; count -= 10, last += 10) ASSERT_TRUE(pty.write(marked_lines('a', last + 1, 10, 64)));
  };
  write(200);
  ASSERT_TRUE(server.has('a', last));
  fault.begin(link);
  write(300);
  ASSERT_TRUE(eventually([&] { return number(spool_of(dtud), "disk.messages") >= 200; })) << "not stored";
  dtud.kill();
  dtud.start();
  write(100);
  link.pass();
  link.reset();
  EXPECT_TRUE(server.has('a', last));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(server.tally().wrong('a', last), "");
}

INSTANTIATE_TEST_SUITE_P(Mqtt, BrokenLink,
                         testing::Combine(testing::Values(std::string("mqtt")), testing::ValuesIn(kFaults)),
                         [](const auto& info) { return std::string(std::get<1>(info.param).name); });
// TCP has no answers, and a reset takes what the far end's kernel had acknowledged.
INSTANTIATE_TEST_SUITE_P(Tcp, BrokenLink,
                         testing::Combine(testing::Values(std::string("tcp")),
                                          testing::Values(kFaults[0], kFaults[1], kFaults[3])),
                         [](const auto& info) { return std::string(std::get<1>(info.param).name); });

// telegraf #15876: two outputs of one type.
TEST(Offline, TwoChannelsOfOneTypeStoreApart) {
  Pty pty;
  MqttSink one, two;
  FaultyLink link_one(one.port()), link_two(two.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  const auto channel = [](uint16_t port) {
    return R"({"serialID": "1", "protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "url": "127.0.0.1",
      "reconnect": {"min_ms": 10, "max_ms": 40}, "port": )" +
           std::to_string(port) + "}";
  };
  dtud.device(
      R"({"offline_storage": "on", "uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}}, "conf": {"1": )" +
      channel(link_one.port()) + R"(, "2": )" + channel(link_two.port()) + "}}");
  link_one.refuse();
  link_two.refuse();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 300, 64)));
  for (const char* id : {"1", "2"}) ASSERT_TRUE(dtud.channel_number(id, "outbox.messages", 300));
  dtud.kill();
  link_one.pass();
  dtud.start();
  EXPECT_TRUE(one.has('a', 300));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_TRUE(dtud.channel_number("2", "outbox.messages", 300));
  link_two.pass();
  EXPECT_TRUE(two.has('a', 300));
  EXPECT_EQ(one.tally().wrong('a', 300), "");
  EXPECT_EQ(two.tally().wrong('a', 300), "");
}

TEST(Offline, DtuctlShowsExportsAndClears) {
  Pty pty;
  MqttSink server;
  FaultyLink link(server.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(document(link.port(), "on"));
  link.refuse();
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 1200, 20)));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 1200));
  EXPECT_THAT(dtud.dtuctl({"spool"}).output, testing::HasSubstr("1200"));
  EXPECT_EQ(dtud.dtuctl({"spool", "export", "1", "--raw"}).output, marked_lines('a', 1, 1200, 20));
  const Ran exported = dtud.dtuctl({"spool", "export", "1"});
  EXPECT_EQ(exported.status, 0);
  EXPECT_EQ(std::count(exported.output.begin(), exported.output.end(), '\n'), 1200);
  EXPECT_EQ(number(parse_json(exported.output.substr(0, exported.output.find('\n'))), "length"), 20);
  EXPECT_EQ(dtud.dtuctl({"spool", "export", "7"}).status, 1);
  EXPECT_EQ(dtud.dtuctl({"spool", "clear", "1", "--json"}).output, "{\"cleared\":1200}\n");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(number(spool_of(dtud), "cleared"), 1200);
  link.pass();
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 5, 20)));
  EXPECT_TRUE(server.has('a', 5));
  EXPECT_EQ(server.came(), 5U);
}

}  // namespace
}  // namespace e2e
