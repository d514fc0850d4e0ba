// RS-485 by a direction pin: a pty for the line, a libgpiod that is not there for the pin.
#include <dtu/points.h>
#include <gpiod.h>
#include <sys/ioctl.h>
#include <dtu/sdk/text.hpp>

#include "fake_gpiod.hpp"
#include "fixture.hpp"

namespace hal_linux::test {
namespace {

using testing::ElementsAre;

class DirectionPin : public HalTest {
 protected:
  static constexpr unsigned kLine = 9;
  void SetUp() override {
    fake_gpiod::reset();
    far_ = std::make_unique<FarEnd>(make_pty(&device_));
  }
  // What the test looked with is gone; the HAL drives the pin to its end.
  void TearDown() override { fake_gpiod::chip().on_write = nullptr; }
  void use_pin(const std::string& more = "", const std::string& pin = R"("direction": "out")") {
    use(R"({"ports": {"1": {"device": ")" + device_ + "\"" + more +
        R"(}}, "gpio": {"4": {"chip": "/dev/fake", "line": 9, )" + pin + "}}}");
  }
  dtu_status open_with(int32_t gpio, uint32_t level = 1, uint32_t baud = 115200) {
    dtu_port_settings s = settings(baud);
    s.direction_gpio = gpio;
    s.direction_level = level;
    return open(s);
  }
  static fake_gpiod::Line& line() { return fake_gpiod::chip().lines[kLine]; }
  bool turned(size_t switches) {
    return host_.run_until([&] { return line().written.size() >= switches; }, std::chrono::seconds(30));
  }
};

TEST_F(DirectionPin, SendsThenListens) {
  use_pin();
  ASSERT_EQ(open_with(4), DTU_OK) << error_.message;
  EXPECT_THAT(line().written, ElementsAre(0)) << "it listens from the start";
  size_t there = 0;  // bytes at the far end when the pin went up
  fake_gpiod::chip().on_write = [&](unsigned, int level) {
    int n = 0;
    if (level == 1) ioctl(far_->fd(), FIONREAD, &n);
    there += static_cast<size_t>(n);
  };
  ASSERT_EQ(write({"hello"}).status, DTU_OK);
  EXPECT_EQ(line().level, 1) << "until the last byte is out";
  EXPECT_TRUE(turned(3));
  EXPECT_THAT(line().written, ElementsAre(0, 1, 0));
  EXPECT_EQ(there, 0U) << "a byte went before the pin";
  EXPECT_TRUE(receives(5));
  EXPECT_EQ(health()->getValue<int>("direction_turns"), 1);
}

TEST_F(DirectionPin, StaysUpAsLongAsTheBytesTake) {
  use_pin();
  ASSERT_EQ(open_with(4, 1, 1200), DTU_OK) << error_.message;  // a byte takes 8.3 ms, which a pty does not know
  std::chrono::steady_clock::time_point up, down;
  fake_gpiod::chip().on_write = [&](unsigned, int level) {
    (level == 1 ? up : down) = std::chrono::steady_clock::now();
  };
  ASSERT_EQ(write({"twelve bytes"}).status, DTU_OK);
  ASSERT_TRUE(turned(3));
  EXPECT_GE(down - up, std::chrono::microseconds(99'900));  // 12 bytes, 10 bits each
}

TEST_F(DirectionPin, SeveralWritesAreOneTurnWhileItSends) {
  use_pin();
  ASSERT_EQ(open_with(4, 1, 300), DTU_OK);  // 33 ms a byte
  write({"a", "b"});
  write({"c"});
  ASSERT_TRUE(turned(3));
  EXPECT_THAT(line().written, ElementsAre(0, 1, 0));
  write({"d"});
  ASSERT_TRUE(turned(5));
  EXPECT_THAT(line().written, ElementsAre(0, 1, 0, 1, 0));
}

TEST_F(DirectionPin, ALowLevelMaySend) {
  use_pin();
  ASSERT_EQ(open_with(4, 0), DTU_OK);
  write({"x"});
  ASSERT_TRUE(turned(3));
  EXPECT_THAT(line().written, ElementsAre(1, 0, 1));
}

TEST_F(DirectionPin, StaysUpWhileTheDriverHoldsBytesBack) {
  use_pin();
  ASSERT_EQ(open_with(4), DTU_OK);
  const std::string much(200'000, 'x');  // more than a pty takes
  ASSERT_EQ(write({much}).status, DTU_OK);
  host_.run_for(std::chrono::milliseconds(50));
  EXPECT_THAT(line().written, ElementsAre(0, 1)) << "half a message is not sent yet";
  EXPECT_TRUE(receives(much.size()));
  EXPECT_TRUE(turned(3));
  EXPECT_THAT(line().written, ElementsAre(0, 1, 0));
}

TEST_F(DirectionPin, AClosedPortListens) {
  use_pin();
  ASSERT_EQ(open_with(4, 1, 300), DTU_OK);
  write({"never out before the close"});
  EXPECT_EQ(line().level, 1);
  ports().close(hal_->self(), port_);
  EXPECT_EQ(line().level, 0);
}

TEST_F(DirectionPin, ALostDeviceListens) {
  use_pin();
  ASSERT_EQ(open_with(4, 1, 300), DTU_OK);
  write({"never out before the loss"});
  EXPECT_EQ(line().level, 1);
  far_->hang_up();
  ASSERT_TRUE(becomes(DTU_STATE_DOWN));
  EXPECT_EQ(line().level, 0);
}

TEST_F(DirectionPin, WhatCannotDriveFailsTheOpen) {
  use_pin();
  EXPECT_EQ(open_with(5), DTU_E_UNSUPPORTED);
  EXPECT_STREQ(error_.message,
               "port 1: the direction pin gpio.5 is not in board.json: add it to \"gpio\", or name another in "
               "direction_pin");
  line().user = "leds";
  hal_.reset();
  use_pin();
  EXPECT_EQ(open_with(4), DTU_E_IO);
  EXPECT_THAT(error_.message, HasSubstr("port 1: gpio.4 (/dev/fake line 9): is in use by leds"));
  line().user.clear();
  EXPECT_EQ(open_with(4), DTU_OK) << error_.message;
}

TEST_F(DirectionPin, AnInputCannotDrive) {
  use_pin("", R"("direction": "in")");
  EXPECT_EQ(open_with(4), DTU_E_UNSUPPORTED);
  EXPECT_THAT(error_.message, HasSubstr("gpio.4 is an input: set its \"direction\" to \"out\""));
}

TEST_F(DirectionPin, TheDriverOrThePinNotBoth) {
  use_pin(R"(, "rs485": {"mode": "kernel"})");
  EXPECT_EQ(open_with(4), DTU_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("RTS switches the direction already"));
}

TEST_F(DirectionPin, NobodyElseMayUseIt) {
  std::string second;
  FarEnd other(make_pty(&second));
  use(R"({"ports": {"1": {"device": ")" + device_ + R"("}, "2": {"device": ")" + second +
      R"("}}, "gpio": {"4": {"chip": "/dev/fake", "line": 9, "direction": "out"}}})");
  ASSERT_EQ(open_with(4), DTU_OK);
  void* first = port_;
  dtu_port_settings s = settings();
  s.direction_gpio = 4;
  EXPECT_EQ(open(s, 78, "2"), DTU_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("port 2: the direction pin gpio.4 is that of port 1 already"));
  const auto& points = *hal_->iface<dtu_points>(DTU_POINTS_IFACE);
  EXPECT_EQ(points.write(hal_->self(), dtu::str("gpio.4"), dtu::str("1"), 1, &error_), DTU_E_UNSUPPORTED);
  EXPECT_STREQ(error_.message, "gpio.4 is the direction pin of port 1");
  ports().close(hal_->self(), first);
  EXPECT_EQ(points.write(hal_->self(), dtu::str("gpio.4"), dtu::str("1"), 2, &error_), DTU_OK) << error_.message;
  EXPECT_EQ(open(s, 78, "2"), DTU_OK) << error_.message;
}

TEST_F(DirectionPin, APinThatFailsTakesThePortDownAndItComesBack) {
  use_pin();
  ASSERT_EQ(open_with(4), DTU_OK);
  line().fail_write = EIO;
  EXPECT_EQ(write({"lost"}).status, DTU_E_IO);
  ASSERT_TRUE(becomes(DTU_STATE_DOWN));
  EXPECT_THAT(last_report(),
              HasSubstr("port 1: the direction pin cannot be switched: gpio.4 (/dev/fake line 9) cannot"));
  line().fail_write = 0;
  ASSERT_TRUE(becomes(DTU_STATE_UP));
  EXPECT_EQ(write({"hello"}).status, DTU_OK);
  EXPECT_TRUE(receives(5));
}

TEST_F(DirectionPin, AHostThatKnowsNoPinsHasNone) {
  use_pin();
  dtu_port_settings s = settings();
  s.struct_size = offsetof(dtu_port_settings, direction_gpio);
  s.direction_gpio = 4;  // behind the end of what the host says it has
  ASSERT_EQ(open(s), DTU_OK);
  write({"x"});
  EXPECT_TRUE(receives(1));
  EXPECT_TRUE(line().written.empty());
}

}  // namespace
}  // namespace hal_linux::test
