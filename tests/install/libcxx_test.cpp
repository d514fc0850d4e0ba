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

TEST_F(Libcxx, WhatTheyThrowIsAnAnswer) {
  for (const char* name : {"thrower.failure", "thrower.standard"}) {
    const Ran ran = dtud.dtuctl({"call", name});
    EXPECT_NE(ran.status, 0) << name;
    EXPECT_NE(ran.output.find("thrown on purpose"), std::string::npos) << ran.output;
  }
  EXPECT_NE(dtud.dtuctl({"call", "thrower.number"}).output.find("not a std::exception"), std::string::npos);
  for (const char* name : {"bare.standard", "bare.number"}) EXPECT_NE(dtud.dtuctl({"call", name}).status, 0) << name;
  EXPECT_TRUE(dtud.process().running());
  EXPECT_NE(dtud.dtuctl({"call", "checksum.xor", R"({"hex": "01"})"}).output.find("01"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
