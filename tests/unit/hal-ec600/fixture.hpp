// The HAL on a modem in memory, in a host with a fake clock.
#pragma once
#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "hal.hpp"
#include "host/test_host.hpp"
#include "scripted_modem.hpp"

namespace hal_ec600::test {

extern const dtu_component* const hal_on_scripted_modem;
extern ScriptedModem* the_modem;  // of the instance made last

class HalTest : public testing::Test {
 protected:
  HalTest() { host_.use_fake_clock(); }
  // `prepare` sees the modem before it is asked for the first time.
  void use(const std::string& config = R"({"at_device": "/dev/ttyUSB2"})",
           const std::function<void(ScriptedModem&)>& prepare = nullptr) {
    hal_.reset();
    hal_ = std::make_unique<dtu::test::Instance>(host_.create(*hal_on_scripted_modem, config));
    ASSERT_TRUE(*hal_) << hal_->error();
    if (prepare) prepare(modem());
    ASSERT_EQ(hal_->start(), DTU_OK);
  }
  void use_ready(const std::string& config = R"({"at_device": "/dev/ttyUSB2"})",
                 const std::function<void(ScriptedModem&)>& prepare = nullptr) {
    use(config, prepare);
    ASSERT_TRUE(becomes_ready()) << hal_->health();
  }
  ScriptedModem& modem() { return *the_modem; }
  bool becomes_ready() {
    return host_.run_until([&] { return host_.state(*hal_) == DTU_STATE_UP; }) && settle();
  }
  // All that waits for no time has happened.
  bool settle() {
    for (int quiet = 0; quiet < 3;) {
      const size_t before = modem().commands.size() + host_.replies().size();
      host_.advance(std::chrono::milliseconds(0));
      quiet = modem().commands.size() + host_.replies().size() == before ? quiet + 1 : 0;
    }
    return true;
  }
  void pass(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds kStep{250};
    for (; time.count() > 0; time -= kStep) {
      host_.advance(std::min(time, kStep));
      settle();
    }
  }
  // What a read is answered with: its JSON, "stale " before it, or "! " and the error.
  std::string read(const std::string& point) {
    const uint64_t call = ++last_call_;
    dtu_error error{};
    const auto* points = hal_->iface<dtu_points>(DTU_POINTS_IFACE);
    if (points->read(hal_->self(), dtu::str(point), call, &error) != DTU_OK) return std::string("! ") + error.message;
    settle();
    return reply(call);
  }
  std::string invoke(const std::string& command, const std::string& args, uint32_t caller = DTU_CALLER_SELF) {
    const uint64_t call = ++last_call_;
    dtu_error error{};
    const dtu_caller by{sizeof by, caller, 0, 0, dtu::str("test")};
    const dtu_invocation invocation{sizeof invocation, 10'000, call, dtu::str(command), dtu::str(args), &by};
    const auto* commands = hal_->iface<dtu_commands>(DTU_COMMANDS_IFACE);
    if (commands->invoke(hal_->self(), &invocation, &error) != DTU_OK) return std::string("! ") + error.message;
    settle();
    return reply(call);
  }
  std::string reply(uint64_t call) {
    for (const dtu::test::Reply& r : host_.replies()) {
      if (r.call != call) continue;
      age_ms_ = r.age_ms;
      if (r.status != DTU_OK) return "! " + r.error;
      return (r.stale ? "stale " : "") + r.json;
    }
    return "nothing yet";
  }
  std::vector<std::string> told(const std::string& name) {
    std::vector<std::string> out;
    for (const dtu::test::Published& e : host_.events())
      if (e.name == name) out.push_back(e.json);
    return out;
  }

  dtu::test::TestHost host_;
  std::unique_ptr<dtu::test::Instance> hal_;
  uint64_t last_call_ = 100;
  uint32_t age_ms_ = 0;
};

}  // namespace hal_ec600::test
