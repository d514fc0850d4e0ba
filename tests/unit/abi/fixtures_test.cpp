// The fixtures that load do in a running host what they are there for.
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dtu/sdk/text.hpp>

#include <cstdlib>

#include "host/test_host.hpp"

namespace {

using dtu::test::TestHost;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

// The first component of a fixture. Never closed, as in dtud.
const dtu_component& component(const std::string& fixture) {
  void* handle = dlopen((DTUKIT_FIXTURES "/" + fixture + ".so").c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  const auto* plugin = static_cast<const dtu_plugin*>(dlsym(handle, "dtu_plugin_v0"));
  const dtu_component& first = *plugin->components[0];
  dlclose(handle);
  return first;
}

TEST(Fixtures, PureCIsAWholeChannel) {
  TestHost host;
  auto echo = host.create(component("pure_c"));
  ASSERT_TRUE(echo) << echo.error();
  ASSERT_EQ(echo.start(), DTU_OK);
  EXPECT_EQ(host.state(echo), DTU_STATE_UP);
  host.block_emit_after(1);
  const auto sent = echo.send({{"one", "0"}, {"two", "0"}});
  EXPECT_EQ(sent.status, DTU_AGAIN);
  EXPECT_EQ(sent.taken, 1U);
  host.block_emit(false);
  ASSERT_TRUE(host.run_until([&] { return !host.writables().empty(); }));
  EXPECT_EQ(echo.send({{"two", "0"}}).status, DTU_OK);
  EXPECT_EQ(host.emitted_bytes(), "onetwo");
  EXPECT_EQ(echo.open_tokens(), 0U);
  EXPECT_TRUE(echo.stop_and_wait());
}

TEST(Fixtures, ThrowsCreate) {
  TestHost host;
  const auto inst = host.create(component("throws_create"));
  EXPECT_FALSE(inst);
  EXPECT_EQ(inst.status(), DTU_E_EXCEPTION);
  EXPECT_EQ(inst.error(), "thrown from the constructor");
}

TEST(Fixtures, ThrowsStart) {
  TestHost host;
  auto inst = host.create(component("throws_start"));
  EXPECT_EQ(inst.start(), DTU_E_IO);
  EXPECT_EQ(inst.error(), "thrown from start");
  EXPECT_EQ(inst.raw_error().flags, DTU_ERR_RETRYABLE);
}

TEST(Fixtures, ThrowsSend) {
  TestHost host;
  auto inst = host.create(component("throws_send"));
  ASSERT_EQ(inst.start(), DTU_OK);
  EXPECT_EQ(inst.send({{"x", "0"}}).status, DTU_E_EXCEPTION);
}

// What dtud's own net must catch: it does come through.
TEST(Fixtures, RawThrowLetsAnIntOut) {
  TestHost host;
  auto inst = host.create(component("rawthrow"));
  ASSERT_EQ(inst.start(), DTU_OK);
  EXPECT_THROW(inst.send({{"x", "0"}}), int);
}

TEST(Fixtures, NeverCompletes) {
  TestHost host;
  auto inst = host.create(component("never_completes"));
  inst.start();
  EXPECT_EQ(inst.send({{"x", "0"}, {"y", "0"}}).taken, 2U);
  EXPECT_EQ(inst.open_tokens(), 2U);
  EXPECT_TRUE(host.completions().empty());
}

TEST(Fixtures, CompletesTwice) {
  TestHost host;
  host.tolerate_misbehaviour();
  auto inst = host.create(component("completes_twice"));
  inst.start();
  inst.send({{"x", "0"}});
  EXPECT_THAT(host.misbehaviour(), Contains(HasSubstr("completed token 1 twice")));
  EXPECT_THAT(host.misbehaviour(), Contains(HasSubstr("which it was not given")));
}

TEST(Fixtures, LateEmitCallsAfterDestroy) {
  TestHost host;
  host.tolerate_misbehaviour();
  {
    auto inst = host.create(component("late_emit"));
    inst.start();
  }
  ASSERT_TRUE(host.run_until([&] { return !host.misbehaviour().empty(); }));
  EXPECT_THAT(host.misbehaviour()[0], HasSubstr("emit after destroy()"));
}

TEST(Fixtures, BlocksSendUntilTheGateOpens) {
  TestHost host;
  auto inst = host.create(component("blocks_send"));
  inst.start();
  unsetenv("DTU_FIXTURE_GATE");
  EXPECT_EQ(inst.send({{"x", "0"}}).status, DTU_E_INVALID);
  std::string name = testing::TempDir() + "dtu-gate-XXXXXX";
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::string gate = name + "/gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  const int fd = open(gate.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_EQ(write(fd, "!", 1), 1);  // open before it comes: the test itself must not wait
  setenv("DTU_FIXTURE_GATE", gate.c_str(), 1);
  EXPECT_EQ(inst.send({{"x", "0"}}).status, DTU_OK);
  unsetenv("DTU_FIXTURE_GATE");
  close(fd);
  unlink(gate.c_str());
  rmdir(name.c_str());
}

}  // namespace
