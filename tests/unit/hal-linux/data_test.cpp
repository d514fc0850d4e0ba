// Bytes through a port, both ways.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "fixture.hpp"

namespace hal_linux::test {
namespace {

using dtu::test::difference;
using dtu::test::noise;
using dtu::test::pieces;
using dtu::test::Sent;
using dtu::test::sleeps;

constexpr auto kLong = std::chrono::seconds(60);

class Data : public HalTest {
 protected:
  void SetUp() override { use_pty(); }

  // Writes all of `messages`, waiting for room as the host does.
  bool write_all(const std::vector<std::string>& messages) {
    size_t next = 0, told = host_.writables().size();
    bool full = false;
    return host_.run_until(
        [&] {
          far_->pump();
          if (full && host_.writables().size() == told) return false;
          full = false;
          while (next < messages.size() && !full) {
            told = host_.writables().size();
            const Sent sent = write(batch(messages, next));
            EXPECT_TRUE(sent.status == DTU_OK || sent.status == DTU_AGAIN) << sent.error;
            next += sent.taken;
            full = sent.status == DTU_AGAIN;
          }
          return next == messages.size();
        },
        kLong);
  }
  static std::vector<std::string> batch(const std::vector<std::string>& all, size_t from) {
    constexpr size_t kMost = 64;
    const auto first = all.begin() + static_cast<ptrdiff_t>(from);
    return {first, first + static_cast<ptrdiff_t>(std::min(kMost, all.size() - from))};
  }
};

TEST_F(Data, FarToHost) {
  far_->send("hello");
  ASSERT_TRUE(host_.run_until([&] {
    far_->pump();
    return host_.emitted_bytes(kKey).size() == 5;
  }));
  EXPECT_EQ(host_.emitted_bytes(kKey), "hello");
}

TEST_F(Data, HostToFarInOneBatch) {
  ASSERT_EQ(write({"one ", "", "two ", "three"}).taken, 4U);
  ASSERT_TRUE(receives(13));
  EXPECT_EQ(far_->received(), "one two three");
}

TEST_F(Data, EveryByteValueBothWays) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  far_->send(all);
  ASSERT_EQ(write({all}).status, DTU_OK);
  ASSERT_TRUE(receives(all.size()));
  ASSERT_TRUE(host_.run_until([&] { return host_.emitted_bytes(kKey).size() == all.size(); }));
  EXPECT_EQ(difference(far_->received(), all), "");
  EXPECT_EQ(difference(host_.emitted_bytes(kKey), all), "");
}

TEST_F(Data, EmptyMessagesAreTaken) { EXPECT_EQ(write({"", ""}).taken, 2U); }

TEST_F(Data, MoreThanABatchIsTakenAtOnce) {
  const std::vector<std::string> many(150, "x");
  const Sent sent = write(many);
  EXPECT_EQ(sent.status, DTU_OK);
  EXPECT_EQ(sent.taken, many.size());
  EXPECT_TRUE(receives(many.size()));
}

// The far end does not read: the message begun is kept, the next is refused, and room is told once.
TEST_F(Data, APartialWriteIsFinishedBeforeTheNext) {
  const std::string big = noise(256 * 1024, 1), next = "next";
  const Sent first = write({big, next});
  EXPECT_EQ(first.status, DTU_AGAIN);
  EXPECT_EQ(first.taken, 1U);
  EXPECT_EQ(write({next}).status, DTU_AGAIN);
  EXPECT_EQ(ports().drained(hal_->self(), port_), 0);
  EXPECT_TRUE(host_.writables().empty());
  ASSERT_TRUE(host_.run_until([&] {
    far_->pump();
    return !host_.writables().empty();
  }));
  EXPECT_EQ(host_.writables().size(), 1U);
  EXPECT_EQ(host_.writables()[0].source, kKey);
  EXPECT_EQ(write({next}).status, DTU_OK);
  ASSERT_TRUE(receives(big.size() + next.size()));
  EXPECT_EQ(difference(far_->received(), big + next), "");
  EXPECT_EQ(ports().drained(hal_->self(), port_), 1);
}

TEST_F(Data, APartialMessageTakenAloneOwesNothing) {
  const std::string big = noise(256 * 1024, 2);
  EXPECT_EQ(write({big}).status, DTU_OK);
  ASSERT_TRUE(receives(big.size()));
  EXPECT_EQ(difference(far_->received(), big), "");
  EXPECT_TRUE(host_.writables().empty());
}

TEST_F(Data, SeveralMiBHostToFar) {
  const std::string data = noise(4U << 20U, 3);
  ASSERT_TRUE(write_all(pieces(data, 64 * 1024, 4)));
  ASSERT_TRUE(receives(data.size()));
  EXPECT_EQ(difference(far_->received(), data), "");
}

TEST_F(Data, SmallMessagesHostToFar) {
  const std::string data = noise(512 * 1024, 5);
  ASSERT_TRUE(write_all(pieces(data, 40, 6)));
  ASSERT_TRUE(receives(data.size()));
  EXPECT_EQ(difference(far_->received(), data), "");
}

// The host takes a few messages, is full for a turn, and so on.
TEST_F(Data, SeveralMiBFarToHostWithBackPressure) {
  const std::string data = noise(4U << 20U, 7);
  far_->send(data);
  size_t seen = 0, bytes = 0;
  ASSERT_TRUE(host_.run_until(
      [&] {
        far_->pump();
        host_.block_emit(false);
        host_.block_emit_after(3);
        for (; seen < host_.emitted().size(); ++seen) bytes += host_.emitted()[seen].payload.size();
        return bytes == data.size();
      },
      kLong));
  EXPECT_EQ(difference(host_.emitted_bytes(kKey), data), "");
}

TEST_F(Data, BothWaysAtOnce) {
  const std::string up = noise(2U << 20U, 8), down = noise(2U << 20U, 9);
  far_->send(up);
  ASSERT_TRUE(write_all(pieces(down, 8000, 10)));
  ASSERT_TRUE(receives(down.size()));
  ASSERT_TRUE(host_.run_until(
      [&] {
        far_->pump();
        return host_.emitted_bytes(kKey).size() == up.size();
      },
      kLong));
  EXPECT_EQ(difference(far_->received(), down), "");
  EXPECT_EQ(difference(host_.emitted_bytes(kKey), up), "");
}

// Blocked means not read: the far end stops at what the kernel holds, and nothing is read beyond one buffer.
TEST_F(Data, ABlockedHostHoldsTheSender) {
  EXPECT_EQ(ports().flags(hal_->self(), port_), DTU_PORT_HOLDS);
  const std::string data = noise(1U << 20U, 11);
  host_.block_emit(true);
  far_->send(data);
  host_.run_until([&] { return far_->pump(), far_->sent_all(); }, std::chrono::milliseconds(300));
  EXPECT_FALSE(far_->sent_all());
  EXPECT_TRUE(host_.emitted().empty());
  EXPECT_TRUE(sleeps(host_));
  host_.block_emit(false);
  ASSERT_TRUE(host_.run_until([&] { return far_->pump(), host_.emitted_bytes(kKey).size() == data.size(); }, kLong));
  EXPECT_EQ(difference(host_.emitted_bytes(kKey), data), "");
}

TEST_F(Data, AnIdlePortSleeps) { EXPECT_TRUE(sleeps(host_)); }

TEST_F(Data, ALostPortSleeps) {
  far_->hang_up();
  ASSERT_TRUE(becomes(DTU_STATE_DOWN));
  EXPECT_TRUE(sleeps(host_));
}

// What was read before the device went away is still handed over.
TEST_F(Data, HeldBytesOutliveTheDevice) {
  const dtu_port::Descriptor spy(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!spy) GTEST_SKIP() << "only root may open a device that is in exclusive use";
  host_.block_emit(true);
  far_->send("last words");
  far_->pump();
  pollfd arrived{spy.get(), POLLIN, 0};
  ASSERT_EQ(poll(&arrived, 1, 5000), 1);
  ASSERT_TRUE(host_.run_until([&] {
    int unread = -1;
    return ioctl(spy.get(), FIONREAD, &unread) == 0 && unread == 0;
  }));
  far_->hang_up();
  ASSERT_TRUE(becomes(DTU_STATE_DOWN));
  EXPECT_TRUE(host_.emitted().empty());
  host_.block_emit(false);
  ASSERT_TRUE(host_.run_until([&] { return !host_.emitted().empty(); }));
  EXPECT_EQ(host_.emitted_bytes(kKey), "last words");
}

TEST_F(Data, CountersAreInHealth) {
  far_->send("12345");
  ASSERT_EQ(write({"123"}).status, DTU_OK);
  ASSERT_TRUE(host_.run_until([&] { return far_->pump(), host_.emitted_bytes(kKey).size() == 5; }));
  EXPECT_EQ(health()->getValue<int>("rx_bytes"), 5);
  EXPECT_EQ(health()->getValue<int>("tx_bytes"), 3);
  EXPECT_EQ(health()->getValue<std::string>("state"), "up");
  EXPECT_EQ(health()->getValue<std::string>("device"), device_);
  EXPECT_FALSE(health()->has("overruns"));  // a pty counts none
}

TEST_F(Data, NothingIsEmittedAfterClose) {
  ports().close(hal_->self(), port_);
  far_->send("too late");
  host_.run_until([&] { return far_->pump(), !host_.emitted().empty(); }, std::chrono::milliseconds(100));
  EXPECT_TRUE(host_.emitted().empty());
  ASSERT_EQ(open(settings(9600), kKey + 1), DTU_OK) << error_.message;
  ASSERT_TRUE(host_.run_until([&] { return !host_.emitted().empty(); }));
  EXPECT_EQ(host_.emitted_bytes(kKey + 1), "too late");
}

TEST_F(Data, BytesStillWaitingAtCloseAreCounted) {
  const std::string big = noise(512 * 1024, 12);
  ASSERT_EQ(write({big}).status, DTU_OK);
  ports().close(hal_->self(), port_);
  const auto h = health();
  EXPECT_EQ(h->getValue<size_t>("tx_bytes") + h->getValue<size_t>("tx_lost_bytes"), big.size());
  EXPECT_GT(h->getValue<size_t>("tx_lost_bytes"), 0U);
  EXPECT_EQ(host_.metric("port_lost_bytes{port=\"1\"}"), h->getValue<int64_t>("tx_lost_bytes"));
}

}  // namespace
}  // namespace hal_linux::test
