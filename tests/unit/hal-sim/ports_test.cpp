// Ports that are ptys made by the simulated board.
#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "far_end.hpp"
#include "fixture.hpp"

namespace hal_sim::test {
namespace {

namespace fs = std::filesystem;
using dtu::test::difference;
using dtu::test::FarEnd;
using dtu::test::noise;
using dtu::test::pieces;
using dtu::test::Sent;
using dtu::test::sleeps;
using dtu::test::TempDir;

constexpr uint64_t kKey = 5;
constexpr auto kLong = std::chrono::seconds(60);

class SimPorts : public SimTest {
 protected:
  void use_port(const std::string& link = "") {
    use(R"({"ports": {"1": {"link": ")" + link + R"(", "title": "Meter"}}})");
    list();
    ASSERT_EQ(open(), DTU_OK) << error_.message;
  }
  void list() {
    ASSERT_EQ(ports().list(
                  sim_->self(),
                  [](void* ctx, const dtu_port_info* i) {
                    *static_cast<std::string*>(ctx) = std::string(dtu::view(i->device));
                  },
                  &device_, nullptr),
              DTU_OK);
  }
  dtu_status open(uint32_t baud = 9600, const char* id = "1", uint64_t key = kKey) {
    const dtu_port_settings s{sizeof(dtu_port_settings), baud, 8, DTU_PARITY_NONE, 1, DTU_FLOW_NONE, -1, 1};
    return ports().open(sim_->self(), {id, std::char_traits<char>::length(id)}, &s, key, &port_, &error_);
  }
  static FarEnd plug_in(const std::string& device) {
    return FarEnd(dtu_port::Descriptor(::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
  }
  Sent write(const std::vector<std::string>& payloads) {
    std::vector<dtu::test::Message> messages(payloads.size());
    for (size_t i = 0; i < payloads.size(); ++i) messages[i].payload = payloads[i];
    return sim_->write(port_, std::move(messages));
  }
  bool emits(FarEnd& far, const std::string& data) {
    return host_.run_until([&] { return far.pump(), host_.emitted_bytes(kKey).size() >= data.size(); }, kLong) &&
           difference(host_.emitted_bytes(kKey), data).empty();
  }
  bool receives(FarEnd& far, const std::string& data) {
    return host_.run_until([&] { return far.pump(), far.received().size() >= data.size(); }, kLong) &&
           difference(far.received(), data).empty();
  }

  TempDir dir_;
  std::string device_;
  void* port_ = nullptr;
};

TEST_F(SimPorts, TheDeviceIsRawFromTheStart) {
  use_port();
  const dtu_port::Descriptor far(::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  termios t{};
  ASSERT_EQ(tcgetattr(far.get(), &t), 0);
  EXPECT_EQ(t.c_lflag, 0U);
  EXPECT_EQ(t.c_oflag, 0U);
  EXPECT_EQ(cfgetospeed(&t), static_cast<speed_t>(B9600));
}

TEST_F(SimPorts, BytesBothWays) {
  use_port();
  FarEnd far = plug_in(device_);
  far.send("meter reading");
  EXPECT_TRUE(emits(far, "meter reading"));
  ASSERT_EQ(write({"request ", "two"}).status, DTU_OK);
  EXPECT_TRUE(receives(far, "request two"));
  EXPECT_EQ(ports().flags(sim_->self(), port_), DTU_PORT_HOLDS);
}

TEST_F(SimPorts, SeveralMiBBothWaysWithBackPressure) {
  use_port();
  FarEnd far = plug_in(device_);
  const std::string up = noise(2U << 20U, 1), down = noise(2U << 20U, 2);
  const std::vector<std::string> messages = pieces(down, 64 * 1024, 3);
  far.send(up);
  size_t next = 0, seen = 0, bytes = 0;
  ASSERT_TRUE(host_.run_until(
      [&] {
        far.pump();
        host_.block_emit(false);
        host_.block_emit_after(2);
        for (; seen < host_.emitted().size(); ++seen) bytes += host_.emitted()[seen].payload.size();
        if (next < messages.size()) next += write({messages[next]}).taken;
        return bytes == up.size() && far.received().size() == down.size();
      },
      kLong));
  EXPECT_EQ(difference(host_.emitted_bytes(kKey), up), "");
  EXPECT_EQ(difference(far.received(), down), "");
}

// Whoever hangs on the line may come and go; nothing is lost in between.
TEST_F(SimPorts, TheFarEndMayCloseAndOpenAgain) {
  use_port();
  for (int round = 0; round < 5; ++round) {
    host_.clear();
    FarEnd far = plug_in(device_);
    far.send("round");
    EXPECT_TRUE(emits(far, "round"));
    far.hang_up();
    ASSERT_EQ(write({"kept "}).status, DTU_OK);
    FarEnd again = plug_in(device_);
    EXPECT_TRUE(receives(again, "kept "));
  }
  EXPECT_TRUE(host_.reports().empty());
}

TEST_F(SimPorts, AnIdlePortSleepsWithAndWithoutAFarEnd) {
  use_port();
  EXPECT_TRUE(sleeps(host_));
  FarEnd far = plug_in(device_);
  EXPECT_TRUE(sleeps(host_));
  far.hang_up();
  EXPECT_TRUE(sleeps(host_));
}

// Nobody reads: what fits into the pty is kept, the rest is refused, and nothing spins until somebody comes.
TEST_F(SimPorts, WithoutAFarEndTheSenderWaits) {
  use_port();
  const std::string big = noise(512 * 1024, 4);
  EXPECT_EQ(write({big, "next"}).status, DTU_AGAIN);
  EXPECT_TRUE(sleeps(host_));
  FarEnd far = plug_in(device_);
  EXPECT_TRUE(receives(far, big));
  EXPECT_EQ(host_.writables().size(), 1U);
}

TEST_F(SimPorts, WhatWasWrittenJustBeforeClosingArrives) {
  use_port();
  {
    FarEnd far = plug_in(device_);
    far.send("last words");
    far.pump();
    ASSERT_TRUE(far.sent_all());
  }
  ASSERT_TRUE(host_.run_until([&] { return host_.emitted_bytes(kKey) == "last words"; }));
}

// getty and login hang a line up for everybody who has it open, us included.
TEST_F(SimPorts, AHangUpIsMended) {
  use_port();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    setsid();
    signal(SIGHUP, SIG_IGN);
    const int fd = ::open(device_.c_str(), O_RDWR);
    _exit(fd >= 0 && tcgetsid(fd) == getpid() ? (vhangup() == 0 ? 0 : 2) : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) GTEST_SKIP() << "only root may hang up";
  ASSERT_EQ(status, 0);
  host_.clear();
  FarEnd far = plug_in(device_);
  far.send("hello again");
  EXPECT_TRUE(emits(far, "hello again"));
  ASSERT_EQ(write({"answer"}).status, DTU_OK);
  EXPECT_TRUE(receives(far, "answer"));
  EXPECT_EQ(host_.emitted_bytes(kKey), "hello again");  // no echo
  EXPECT_TRUE(host_.reports().empty());
  EXPECT_TRUE(sleeps(host_));
}

TEST_F(SimPorts, ALinkIsMadeAndRemoved) {
  const std::string link = dir_ / "meter";
  use_port(link);
  EXPECT_EQ(fs::read_symlink(link), device_);
  FarEnd far = plug_in(link);
  far.send("by link");
  EXPECT_TRUE(emits(far, "by link"));
  sim_.reset();
  EXPECT_FALSE(fs::is_symlink(link));
}

TEST_F(SimPorts, ADanglingLinkIsReplaced) {
  const std::string link = dir_ / "meter";
  fs::create_symlink("/dev/pts/dtukit-gone", link);
  use_port(link);
  EXPECT_EQ(fs::read_symlink(link), device_);
}

class TakenLink : public SimPorts {
 protected:
  void expect_refused() {
    Instance sim = host_.create(*DTU_ENTRY.components[0], R"({"ports": {"1": {"link": ")" + link_ + R"("}}})");
    ASSERT_TRUE(sim) << sim.error();
    EXPECT_EQ(sim.start(), DTU_E_INVALID);
    EXPECT_THAT(sim.error(), HasSubstr("port 1: " + link_ + " exists and is not a link of dtud"));
  }
  std::string link_ = dir_ / "meter";
};

TEST_F(TakenLink, ARegularFileIsNeverReplaced) {
  std::ofstream(link_) << "precious";
  expect_refused();
  std::string text;
  std::ifstream(link_) >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(TakenLink, ALinkToSomethingElseIsNotReplaced) {
  std::ofstream(dir_ / "target") << "x";
  fs::create_symlink(dir_ / "target", link_);
  expect_refused();
  EXPECT_EQ(fs::read_symlink(link_), dir_ / "target");
}

// After a crash the pty of the old link may belong to somebody else, so it does not dangle.
TEST_F(TakenLink, OneOfAnEarlierRunIsReplaced) {
  std::ofstream(dir_ / "old-pty") << "x";
  fs::create_symlink(dir_ / "old-pty", link_);
  host_.kv("sim")["link.1"] = dir_ / "old-pty";
  use_port(link_);
  EXPECT_EQ(fs::read_symlink(link_), device_);
  EXPECT_TRUE(fs::exists(dir_ / "old-pty"));
}

TEST_F(TakenLink, AForeignLinkIsLeftAtTheEnd) {
  use_port(link_);
  fs::remove(link_);
  fs::create_symlink(dir_ / "other", link_);
  sim_.reset();
  EXPECT_TRUE(fs::is_symlink(link_));
}

TEST_F(TakenLink, ADirectoryThatIsMissingIsNamed) {
  link_ = dir_ / "none/meter";
  Instance sim = host_.create(*DTU_ENTRY.components[0], R"({"ports": {"1": {"link": ")" + link_ + R"("}}})");
  EXPECT_EQ(sim.start(), DTU_E_IO);
  EXPECT_THAT(sim.error(), HasSubstr("the link " + link_ + " cannot be created"));
}

TEST_F(SimPorts, WrongOpensAreNamed) {
  use_port();
  EXPECT_EQ(open(), DTU_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("port 1 is open already"));
  EXPECT_EQ(open(9600, "2"), DTU_E_NOT_FOUND);
  EXPECT_THAT(error_.message, HasSubstr("port 2"));
  ports().close(sim_->self(), port_);
  EXPECT_EQ(open(3), DTU_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("port 1: baud rate 3"));
  EXPECT_EQ(open(19200), DTU_OK);
}

TEST_F(SimPorts, HealthSaysItIsSimulated) {
  use_port();
  EXPECT_THAT(sim_->health(), HasSubstr(R"("simulated":true)"));
  EXPECT_THAT(sim_->health(), HasSubstr(device_.substr(device_.rfind('/') + 1)));
}

// --- the direction pin

class Direction : public SimPorts {
 protected:
  dtu_status open_with_pin(int32_t gpio, uint32_t level) {
    const dtu_port_settings s{sizeof(dtu_port_settings), 9600, 8, DTU_PARITY_NONE, 1, DTU_FLOW_NONE, gpio, level};
    return ports().open(sim_->self(), dtu::str("1"), &s, kKey, &port_, &error_);
  }
};

TEST_F(Direction, ThePinTurnsForEveryWriteAndBack) {
  use(R"({"ports": {"1": {}}})");
  list();
  ASSERT_EQ(open_with_pin(3, 1), DTU_OK) << error_.message;
  EXPECT_EQ(read("gpio.3"), "0");
  FarEnd far = plug_in(device_);
  for (int turn = 1; turn <= 3; ++turn) {
    host_.clear();
    EXPECT_EQ(await("gpio.3", "0"), "no answer yet");
    const uint64_t await_call = call_;
    ASSERT_EQ(write({"to the bus"}).status, DTU_OK);
    EXPECT_EQ(answer_of(await_call), "1") << "the pin was up while sending";
    ASSERT_TRUE(host_.run_until([&] { return read("port.1.turns") == std::to_string(turn); }));
    EXPECT_EQ(read("gpio.3"), "0");
  }
  EXPECT_TRUE(receives(far, "to the busto the busto the bus"));
}

TEST_F(Direction, ItsLevelMayBeLow) {
  use(R"({"ports": {"1": {}}})");
  ASSERT_EQ(open_with_pin(3, 0), DTU_OK) << error_.message;
  EXPECT_EQ(read("gpio.3"), "1");
  write({"x"});
  EXPECT_EQ(read("gpio.3"), "0");
  ports().close(sim_->self(), port_);
  EXPECT_EQ(read("gpio.3"), "1") << "a closed port listens";
}

TEST_F(Direction, APinThatIsNotThereIsNamed) {
  use(R"({"ports": {"1": {}}, "absent": ["gpio.2"]})");
  for (const int pin : {2, 77}) {
    EXPECT_EQ(open_with_pin(pin, 1), DTU_E_UNSUPPORTED);
    EXPECT_THAT(error_.message, HasSubstr("port 1: the direction pin gpio." + std::to_string(pin) + " is not on this"));
  }
  EXPECT_EQ(open_with_pin(-1, 1), DTU_OK);
}

}  // namespace
}  // namespace hal_sim::test
