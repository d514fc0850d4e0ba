// The C++ face: no exception leaves a thunk, and what is lent is given back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <dtu/sdk.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>

#include "host/test_host.hpp"

namespace {

using dtu::test::TestHost;
using testing::HasSubstr;

// Throws from every override once it is told to.
class Thrower : public dtu::Component,
                public dtu::ChannelIface,
                public dtu::PortsIface,
                public dtu::PointsIface,
                public dtu::CommandsIface,
                public dtu::DialectIface {
 public:
  static constexpr const char* dialect_names[] = {"thrower", nullptr};
  explicit Thrower(dtu::Host host, std::string_view config) : Component(host) {
    if (config == "throw") boom();
  }
  dtu_status start() override { return boom(); }
  dtu_status stop(uint32_t /*deadline_ms*/) override { return boom(); }
  void writable(uint64_t /*source*/) override { boom(); }
  std::string health() override { return std::to_string(boom()); }
  dtu_status send(const dtu_msg* /*msgs*/, uint32_t /*n*/, uint32_t* /*taken*/) override { return boom(); }
  dtu_status flush(uint32_t /*deadline_ms*/) override { return boom(); }
  void list_ports(const dtu::PortsIface::Each& /*each*/) override { boom(); }
  dtu_status open(std::string_view /*id*/, const dtu_port_settings& /*s*/, uint64_t /*key*/, void** /*port*/) override {
    return boom();
  }
  void close(void* /*port*/) override { boom(); }
  dtu_status write(void* /*port*/, const dtu_msg* /*msgs*/, uint32_t /*n*/, uint32_t* /*taken*/) override {
    return boom();
  }
  bool drained(void* /*port*/) override { return boom() == DTU_OK; }
  uint32_t flags(void* /*port*/) override { return static_cast<uint32_t>(boom()); }
  void list_points(const dtu::PointsIface::Each& /*each*/) override { boom(); }
  dtu_status read_point(std::string_view /*name*/, uint64_t /*call*/) override { return boom(); }
  dtu_status write_point(std::string_view /*name*/, std::string_view /*json*/, uint64_t /*call*/) override {
    return boom();
  }
  void list_commands(const dtu::CommandsIface::Each& /*each*/) override { boom(); }
  dtu_status invoke(uint64_t /*call*/, std::string_view /*name*/, std::string_view /*args*/,
                    const dtu_caller& /*caller*/) override {
    return boom();
  }
  void cancel(uint64_t /*call*/) override { boom(); }
  class ThrowingSession : public Session {
   public:
    void from_port(const dtu_msg& /*msg*/) override { boom(); }
    void from_channel(uint32_t /*channel*/, const dtu_msg& /*msg*/) override { boom(); }
    void channel_state(uint32_t /*channel*/, int32_t /*state*/, const dtu_error* /*error*/) override { boom(); }
  };
  std::unique_ptr<Session> open_session(const dtu_link_info& link) override {
    if (link.link == 1) return std::make_unique<ThrowingSession>();
    boom();
    return nullptr;
  }

 private:
  static dtu_status boom() { throw std::runtime_error("boom"); }
};

DTU_COMPONENT(thrower, Thrower, DTU_KIND_COMMAND, "thrower", "Thrower", "{}", 0, dtu::channel_iface<Thrower>,
              dtu::ports_iface<Thrower>, dtu::points_iface<Thrower>, dtu::commands_iface<Thrower>,
              dtu::dialect_iface<Thrower>);

class Checker : public dtu::Component, public dtu::CommandsIface {
 public:
  Checker(dtu::Host host, std::string_view config) : Component(host) { read(config); }
  static void check(std::string_view config, dtu::Findings& found) {
    read(config);
    found.error("/a", "is wrong");
    found.warning("", "is odd");
    found.claim("/b", "thing:1");
    found.offer("/c", "port:1");
  }
  void list_commands(const Each& /*each*/) override {}
  dtu_status invoke(uint64_t /*call*/, std::string_view /*name*/, std::string_view /*args*/,
                    const dtu_caller& /*caller*/) override {
    return DTU_OK;
  }

 private:
  static void read(std::string_view config) {
    if (config == "refused") throw dtu::Failure(DTU_E_INVALID, "is refused").at("/tls/ca");
    if (config == "thrown") throw std::runtime_error("boom");
  }
};
DTU_COMPONENT(checker, Checker, DTU_KIND_COMMAND, "checker", "Checker", "{}", 0, dtu::commands_iface<Checker>);

TEST(Check, TellsWhatItFindsInOrder) {
  EXPECT_EQ(dtu::test::check(checker, "{}"),
            "error /a: is wrong\nwarning : is odd\nclaim /b: thing:1\noffer /c: port:1\n");
}

TEST(Check, AFailureIsAnErrorAtItsPath) {
  EXPECT_EQ(dtu::test::check(checker, "refused"), "error /tls/ca: is refused\n");
}

TEST(Check, WhatElseIsThrownIsNoAnswer) { EXPECT_EQ(dtu::test::check(checker, "thrown"), "failed: boom\n"); }

TEST(Check, AClassWithoutOneHasNone) { EXPECT_EQ(thrower.ops->check, nullptr); }

class Thunks : public testing::Test {
 protected:
  void stopped(dtu_status status, const dtu_error& e) {
    EXPECT_EQ(status, DTU_E_EXCEPTION);
    EXPECT_EQ(e.code, DTU_E_EXCEPTION);
    EXPECT_STREQ(e.message, "boom");
  }
  // A callback without a status threw: the host hears of it as the failure of the instance.
  void reported(size_t times) {
    ASSERT_EQ(host_.reports().size(), times);
    EXPECT_EQ(host_.reports().back().state, DTU_STATE_FAILED);
    EXPECT_EQ(host_.reports().back().text, "boom");
  }

  TestHost host_;
  dtu::test::Instance inst_ = host_.create(thrower);
};

TEST_F(Thunks, OfTheLifeCycle) {
  auto refused = host_.create(thrower, "throw");
  EXPECT_FALSE(refused);
  stopped(refused.status(), refused.raw_error());
  inst_.start();
  stopped(inst_.status(), inst_.raw_error());
  stopped(inst_.status(), inst_.raw_error());
  inst_.health();
  EXPECT_EQ(inst_.status(), DTU_E_EXCEPTION);
  thrower.ops->writable(inst_.self(), 0);
  reported(1);
  inst_.stop();
  stopped(inst_.status(), inst_.raw_error());
}

TEST_F(Thunks, OfAChannel) {
  const auto* t = inst_.iface<dtu_channel>(DTU_CHANNEL_IFACE);
  dtu_error e{};
  uint32_t taken = 0;
  stopped(t->send(inst_.self(), nullptr, 0, &taken, &e), e);
  e = {};
  stopped(t->flush(inst_.self(), 1, &e), e);
  EXPECT_EQ(t->flush(inst_.self(), 1, nullptr), DTU_E_EXCEPTION) << "the error may be null";
}

TEST_F(Thunks, OfPorts) {
  const auto* t = inst_.iface<dtu_ports>(DTU_PORTS_IFACE);
  dtu_error e{};
  const dtu_port_settings settings{};
  void* port = nullptr;
  uint32_t taken = 0;
  stopped(t->list(
              inst_.self(), [](void*, const dtu_port_info*) {}, nullptr, &e),
          e);
  e = {};
  stopped(t->open(inst_.self(), dtu::str("1"), &settings, 1, &port, &e), e);
  e = {};
  stopped(t->write(inst_.self(), port, nullptr, 0, &taken, &e), e);
  t->close(inst_.self(), port);
  reported(1);
  EXPECT_EQ(t->drained(inst_.self(), port), 0);
  reported(2);
  EXPECT_EQ(t->flags(inst_.self(), port), 0U);
  reported(3);
  EXPECT_EQ(t->discard(inst_.self(), port, DTU_DISCARD_TO_PORT), 0U);
}

TEST_F(Thunks, OfPointsAndCommands) {
  const auto* points = inst_.iface<dtu_points>(DTU_POINTS_IFACE);
  dtu_error e{};
  stopped(points->list(
              inst_.self(), [](void*, const dtu_point_info*) {}, nullptr, &e),
          e);
  e = {};
  stopped(points->read(inst_.self(), dtu::str("a.b"), 1, &e), e);
  e = {};
  stopped(points->write(inst_.self(), dtu::str("a.b"), dtu::str("1"), 1, &e), e);
  const auto* commands = inst_.iface<dtu_commands>(DTU_COMMANDS_IFACE);
  e = {};
  stopped(commands->list(
              inst_.self(), [](void*, const dtu_command_info*) {}, nullptr, &e),
          e);
  e = {};
  const dtu_caller caller{sizeof caller, DTU_CALLER_CONSOLE, 0, 0, dtu::str("console")};
  const dtu_invocation call{sizeof call, 0, 1, dtu::str("a.b"), dtu::str("{}"), &caller};
  stopped(commands->invoke(inst_.self(), &call, &e), e);
  commands->cancel(inst_.self(), 1);
  reported(1);
}

TEST_F(Thunks, OfADialect) {
  const auto* t = inst_.iface<dtu_dialect>(DTU_DIALECT_IFACE);
  EXPECT_STREQ(t->names[0], "thrower");
  EXPECT_EQ(t->names[1], nullptr);
  dtu_link_info link{};
  void* session = nullptr;
  dtu_error e{};
  stopped(t->open(inst_.self(), &link, &session, &e), e);
  link.link = 1;
  ASSERT_EQ(t->open(inst_.self(), &link, &session, &e), DTU_OK);
  const dtu::test::OwnedMsg m({"bytes"});
  t->from_port(inst_.self(), session, m.get());
  reported(1);
  t->from_channel(inst_.self(), session, 1, m.get());
  reported(2);
  t->channel_state(inst_.self(), session, 1, DTU_STATE_UP, nullptr);
  reported(3);
  t->close(inst_.self(), session);
}

class Quiet : public dtu::Component, public dtu::ChannelIface {
 public:
  explicit Quiet(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  dtu_status send(const dtu_msg* /*msgs*/, uint32_t n, uint32_t* taken) override {
    *taken = n;
    return DTU_OK;
  }
};
DTU_COMPONENT(quiet, Quiet, DTU_KIND_CHANNEL, "quiet", "Quiet", "{}", DTU_CAP_TOPICS, dtu::channel_iface<Quiet>);

TEST(Component, DefaultsAreHarmless) {
  TestHost host;
  auto inst = host.create(quiet);
  ASSERT_TRUE(inst);
  EXPECT_EQ(inst.start(), DTU_OK);
  EXPECT_EQ(inst.health(), "{}");
  EXPECT_EQ(inst.iface<dtu_channel>(DTU_CHANNEL_IFACE)->flush(inst.self(), 1, nullptr), DTU_OK);
  EXPECT_EQ(inst.iface<dtu_ports>(DTU_PORTS_IFACE), nullptr);
  EXPECT_EQ(inst.stop(), DTU_OK);
}

// The host's end of the test complains of every buffer that is not given back, and the sanitizer of one given back
// twice.
TEST(Buffer, CountsItsReference) {
  TestHost host;
  auto inst = host.create(quiet);
  const dtu::Host h(host.table(), inst.handle());
  uint8_t* bytes = nullptr;
  dtu::Buffer a = h.alloc(4, &bytes);
  ASSERT_TRUE(a);
  dtu_buf* raw = a.get();
  dtu::Buffer kept = h.keep(raw);
  EXPECT_EQ(kept.get(), raw);
  a.reset();
  EXPECT_FALSE(a);
  a.reset();
  bytes[0] = 1;  // still there: `kept` holds it
  dtu::Buffer moved = std::move(kept);
  EXPECT_EQ(moved.get(), raw);
  dtu::Buffer other = h.alloc(1, &bytes);
  other = std::move(moved);
  EXPECT_EQ(other.get(), raw);
  dtu::Buffer& self = other;
  other = std::move(self);
  EXPECT_EQ(other.get(), raw) << "assigned to itself";
}

TEST(Buffer, TooLongIsRefused) {
  TestHost host;
  auto inst = host.create(quiet);
  const dtu::Host h(host.table(), inst.handle());
  uint8_t* bytes = nullptr;
  EXPECT_FALSE(h.alloc(DTU_PAYLOAD_MAX + 1U, &bytes));
  EXPECT_TRUE(h.alloc(DTU_PAYLOAD_MAX, &bytes));
}

class Callbacks : public testing::Test {
 protected:
  TestHost host_;
  dtu::test::Instance inst_ = host_.create(quiet);
  dtu::Host h_{host_.table(), inst_.handle()};
};

TEST_F(Callbacks, AThrowingTimerIsLoggedAndLives) {
  dtu::Timer timer(h_, [] { throw std::runtime_error("tick"); });
  timer.arm_us(1);
  ASSERT_TRUE(host_.run_until([&] { return host_.logged("timer: tick"); }));
  host_.clear();
  timer.arm_us(1);
  EXPECT_TRUE(host_.run_until([&] { return host_.logged("timer: tick"); }));
}

TEST_F(Callbacks, ATimerMayDestroyItselfAndThenThrow) {
  std::unique_ptr<dtu::Timer> timer;
  timer = std::make_unique<dtu::Timer>(h_, [&timer] {
    timer.reset();
    throw std::runtime_error("last words");
  });
  timer->arm_us(1);
  EXPECT_TRUE(host_.run_until([&] { return host_.logged("timer: last words"); }));
}

TEST_F(Callbacks, AWatchMayDestroyItselfAndThenThrow) {
  const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  std::unique_ptr<dtu::FdWatch> watch;
  watch = std::make_unique<dtu::FdWatch>(h_, fd, DTU_FD_READ, [&watch](uint32_t) {
    watch.reset();
    throw std::runtime_error("last words");
  });
  EXPECT_TRUE(host_.run_until([&] { return host_.logged("descriptor: last words"); }));
  close(fd);
}

TEST_F(Callbacks, AMissingServiceIsNamed) {
  host_.withhold(DTU_TIMER_SERVICE);
  try {
    const dtu::Timer timer(h_, [] {});
    FAIL() << "there is no timer service";
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_UNSUPPORTED);
    EXPECT_THAT(f.what(), HasSubstr("dtu.timer/1"));
  }
}

}  // namespace
