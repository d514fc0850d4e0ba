// GPIO pins as points, over a libgpiod that is not there.
#include <dtu/points.h>
#include <gpiod.h>
#include <dtu/sdk/text.hpp>

#include "fake_gpiod.hpp"
#include "fixture.hpp"

namespace hal_linux::test {
namespace {

class Gpio : public HalTest {
 protected:
  void SetUp() override { fake_gpiod::reset(); }
  void TearDown() override {
    hal_.reset();
    EXPECT_EQ(fake_gpiod::chip().opened, 0) << "a chip was left open";
  }
  void use_pins(const std::string& pins) { use(R"({"gpio": {)" + pins + "}}"); }
  static fake_gpiod::Line& line(unsigned offset) { return fake_gpiod::chip().lines[offset]; }

  [[nodiscard]] const dtu_points& points() const { return *hal_->iface<dtu_points>(DTU_POINTS_IFACE); }
  std::string read(const std::string& name) {
    return answer(points().read(hal_->self(), dtu::str(name), ++call_, &error_));
  }
  std::string write(const std::string& name, const std::string& json) {
    return answer(points().write(hal_->self(), dtu::str(name), dtu::str(json), ++call_, &error_));
  }
  std::string await(const std::string& name, const std::string& json) {
    return answer(points().await(hal_->self(), dtu::str(name), dtu::str(json), ++call_, &error_));
  }
  std::string answer(dtu_status status) {
    if (status != DTU_OK) return error_.message;
    return answer_of(call_);
  }
  std::string answer_of(uint64_t call) {
    for (const auto& reply : host_.replies())
      if (reply.call == call) return reply.status == DTU_OK ? reply.json : reply.error;
    return "no answer yet";
  }
  bool answered(uint64_t call, const std::string& with) {
    return host_.run_until([&] { return answer_of(call) == with; }, std::chrono::seconds(30));
  }
  uint64_t call_ = 0;
};

const std::string kIn = R"("3": {"chip": "/dev/fake", "line": 17})";
const std::string kOut = R"("4": {"chip": "/dev/fake", "line": 5, "direction": "out", "initial": 1})";

TEST_F(Gpio, PinsArePoints) {
  use_pins(kIn + "," + kOut);
  std::map<std::string, uint32_t> listed;
  const auto each = [](void* ctx, const dtu_point_info* i) {
    (*static_cast<std::map<std::string, uint32_t>*>(ctx))[std::string(dtu::view(i->name))] = i->flags;
  };
  ASSERT_EQ(points().list(hal_->self(), each, &listed, nullptr), DTU_OK);
  EXPECT_EQ(listed.at("gpio.3"), 0U);
  EXPECT_EQ(listed.at("gpio.4"), DTU_POINT_WRITABLE);
  EXPECT_EQ(line(17).request, GPIOD_LINE_REQUEST_DIRECTION_INPUT);
  EXPECT_EQ(line(5).request, GPIOD_LINE_REQUEST_DIRECTION_OUTPUT);
  EXPECT_EQ(read("gpio.4"), "1") << "its initial level";
  line(17).level = 1;
  EXPECT_EQ(read("gpio.3"), "1");
  EXPECT_EQ(write("gpio.4", "0"), "0");
  EXPECT_EQ(line(5).level, 0);
}

TEST_F(Gpio, WhatCannotBeWrittenSaysSo) {
  use_pins(kIn + "," + kOut);
  EXPECT_EQ(write("gpio.3", "1"), "gpio.3 is an input");
  EXPECT_EQ(write("gpio.4", "2"), "gpio.4 takes 0 or 1, not 2");
  EXPECT_EQ(write("gpio.9", "1"), "gpio.9 cannot be written");
  EXPECT_EQ(read("gpio.9"), "gpio.9 is not a point of the linux HAL");
  line(5).fail_write = EIO;
  EXPECT_EQ(write("gpio.4", "1"), "gpio.4 (/dev/fake line 5) cannot be written: Input/output error");
  line(17).fail_read = EIO;
  EXPECT_EQ(read("gpio.3"), "gpio.3 (/dev/fake line 17) cannot be read: Input/output error");
}

TEST_F(Gpio, PolarityAndBiasAreTheLines) {
  use_pins(R"("1": {"chip": "/dev/fake", "line": 1, "active_low": true, "bias": "pull-up"},)"
           R"("2": {"chip": "/dev/fake", "line": 2, "bias": "pull-down"},)"
           R"("3": {"chip": "/dev/fake", "line": 3, "bias": "disabled"}, "4": {"chip": "/dev/fake", "line": 4})");
  EXPECT_EQ(line(1).flags, GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW | GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP);
  EXPECT_EQ(line(2).flags, GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN);
  EXPECT_EQ(line(3).flags, GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE);
  EXPECT_EQ(line(4).flags, 0);
}

TEST_F(Gpio, APinThatCannotBeHadIsLoggedAndTheOthersWork) {
  line(17).user = "spi0 CS1";
  use_pins(kIn + "," + kOut + R"(, "5": {"chip": "/dev/gone", "line": 0}, "6": {"chip": "/dev/null", "line": 0})" +
           R"(, "7": {"chip": "/dev/fake", "line": 32})");
  const std::string used = "gpio.3 (/dev/fake line 17): is in use by spi0 CS1: free it";
  const std::string gone = "gpio.5 (/dev/gone line 0): there is no such chip";
  const std::string other = "gpio.6 (/dev/null line 0): that is no GPIO chip";
  const std::string beyond = "gpio.7 (/dev/fake line 32): the chip has lines 0 to 31 only";
  for (const auto& [point, text] :
       std::map<std::string, std::string>{{"gpio.3", used}, {"gpio.5", gone}, {"gpio.6", other}, {"gpio.7", beyond}}) {
    EXPECT_TRUE(host_.logged(text)) << text;
    EXPECT_THAT(read(point), HasSubstr(text));
  }
  EXPECT_EQ(write("gpio.4", "1"), "1");
  line(17).user.clear();
  EXPECT_EQ(read("gpio.3"), "0") << "it is tried again";
}

TEST_F(Gpio, TwoPinsOnOneLineAreRefused) {
  const Instance hal =
      host_.create(*DTU_ENTRY.components[0],
                   R"({"gpio": {"1": {"chip": "/dev/fake", "line": 3}, "2": {"chip": "/dev/fake", "line": 3}}})");
  EXPECT_EQ(hal.status(), DTU_E_INVALID);
  EXPECT_THAT(hal.error(), HasSubstr("gpio pins 1 and 2 both name /dev/fake line 3"));
}

TEST_F(Gpio, AnEdgeAnswersTheAwait) {
  use_pins(kIn);
  line(17).level = 1;
  EXPECT_EQ(await("gpio.3", "0"), "1") << "another already";
  EXPECT_EQ(await("gpio.3", "1"), "no answer yet");
  const uint64_t first = call_;
  EXPECT_EQ(await("gpio.3", "1"), "no answer yet");
  fake_gpiod::drive(17, 0);
  EXPECT_TRUE(answered(first, "0"));
  EXPECT_TRUE(answered(call_, "0"));
  EXPECT_EQ(read("gpio.3"), "0") << "it can still be read";
  EXPECT_TRUE(dtu::test::sleeps(host_));
}

TEST_F(Gpio, EdgesBeforeTheAwaitAreNotNews) {
  use_pins(kIn);
  EXPECT_EQ(await("gpio.3", "1"), "0");
  for (int i = 0; i < 10; ++i) fake_gpiod::drive(17, 1 - i % 2);
  EXPECT_EQ(await("gpio.3", "0"), "no answer yet");
  EXPECT_TRUE(dtu::test::sleeps(host_));
  EXPECT_EQ(answer_of(call_), "no answer yet");
}

TEST_F(Gpio, ACancelledAwaitIsNotAnswered) {
  use_pins(kIn);
  EXPECT_EQ(await("gpio.3", "0"), "no answer yet");
  points().cancel(hal_->self(), call_);
  fake_gpiod::drive(17, 1);
  EXPECT_TRUE(dtu::test::sleeps(host_)) << "nobody looks at the edge";
  EXPECT_EQ(answer_of(call_), "no answer yet");
}

TEST_F(Gpio, WithoutInterruptAnAwaitSaysSoAndTheLineIsStillRead) {
  line(17).has_interrupt = false;
  use_pins(kIn + "," + kOut);
  EXPECT_THAT(await("gpio.3", "0"), HasSubstr("gpio.3 (/dev/fake line 17): has no interrupt"));
  EXPECT_EQ(error_.code, DTU_E_UNSUPPORTED);
  EXPECT_EQ(read("gpio.3"), "0");
  EXPECT_THAT(await("gpio.4", "0"), HasSubstr("gpio.4 is an output"));
}

TEST_F(Gpio, AnAwaitEndsWithTheChip) {
  use_pins(kIn);
  EXPECT_EQ(await("gpio.3", "0"), "no answer yet");
  fake_gpiod::close_edges(17);
  EXPECT_TRUE(host_.run_until([&] { return answer_of(call_) != "no answer yet"; }));
  EXPECT_THAT(answer_of(call_), HasSubstr("gpio.3 (/dev/fake line 17) cannot be read"));
}

TEST_F(Gpio, AnAwaitEndsWithTheHal) {
  use_pins(kIn);
  EXPECT_EQ(await("gpio.3", "0"), "no answer yet");
  ASSERT_TRUE(hal_->stop_and_wait());
  EXPECT_EQ(answer_of(call_), "the linux HAL was stopped");
  EXPECT_EQ(line(17).request, 0) << "the line was given back";
}

TEST_F(Gpio, AwaitsAreNotWithoutLimit) {
  use_pins(kIn);
  for (int i = 0; i < 64; ++i) ASSERT_EQ(await("gpio.3", "0"), "no answer yet");
  EXPECT_THAT(await("gpio.3", "0"), HasSubstr("64 already wait for gpio.3"));
}

}  // namespace
}  // namespace hal_linux::test
