// Plugins built by clang with libc++ in a kernel that uses libstdc++: they work, and what they throw ends nothing.
#include <gtest/gtest.h>

#include <filesystem>

#include "folders.hpp"
#include "harness/dtud.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

struct Libcxx : testing::Test {
  Dtud dtud;
  void SetUp() override {
    if (!std::filesystem::exists(kLibcxx)) GTEST_SKIP() << "there was no libc++";
    dtud.plugins(kLibcxx).hal(R"({"type": "load", "period_ms": 20})");
    dtud.device(R"({"uconf": {"load": {"mode": "raw"}}})");
    dtud.start();
  }
};

TEST_F(Libcxx, PluginsWork) {
  EXPECT_TRUE(dtud.port_is("load", "up"));
  EXPECT_TRUE(eventually([&] { return number(dtud.port("load"), "rx_messages") > 2; }));
  EXPECT_EQ(dtud.dtuctl({"read", "load.1min"}).status, 0);
  const Ran sum = dtud.dtuctl({"call", "checksum.modbus", R"({"hex": "010300000002"})"});
  EXPECT_NE(sum.output.find("C40B"), std::string::npos) << sum.output;
  EXPECT_EQ(dtud.stop(), 0);
}

// An instance that threw is started anew, so a call may find it gone for a moment.
TEST_F(Libcxx, WhatTheyThrowIsAnAnswer) {
  struct Case {
    const char *command, *said;
  };
  for (const Case& c : {Case{"thrower.failure", "thrown on purpose"}, Case{"thrower.standard", "thrown on purpose"},
                        Case{"thrower.number", "not a std::exception"}, Case{"bare.standard", "thrown on purpose"},
                        Case{"bare.number", "not a std::exception"}}) {
    Ran ran;
    EXPECT_TRUE(eventually([&] {
      ran = dtud.dtuctl({"call", c.command});
      return ran.output.find(c.said) != std::string::npos;
    })) << c.command
        << ": " << ran.output;
    EXPECT_NE(ran.status, 0) << c.command;
    ASSERT_TRUE(dtud.process().running());
  }
  EXPECT_NE(dtud.dtuctl({"call", "checksum.xor", R"({"hex": "01"})"}).output.find("01"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
