#include "commands/directory.hpp"

#include <gtest/gtest.h>

namespace dtud::commands {
namespace {

Command command(const std::string& name, std::vector<uint32_t> codes = {}) {
  Command c;
  c.name = name;
  c.codes = std::move(codes);
  return c;
}

TEST(Directory, FindsByNameAndByEveryCode) {
  Directory d;
  EXPECT_EQ(d.add(command("climate.query", {10, 16})), "");
  EXPECT_EQ(d.command("climate.query"), d.command(int64_t{16}));
  EXPECT_EQ(d.command(int64_t{10})->name, "climate.query");
  EXPECT_EQ(d.command(int64_t{11}), nullptr);
  EXPECT_EQ(d.command(int64_t{-1}), nullptr);
  EXPECT_EQ(d.command((int64_t{1} << 32) + 10), nullptr);
}

TEST(Directory, ANameOrACodeIsGivenOnce) {
  Directory d;
  EXPECT_EQ(d.add(command("a", {1, 2})), "");
  EXPECT_NE(d.add(command("a")), "");
  EXPECT_NE(d.add(command("b", {3, 2})), "");
  EXPECT_EQ(d.command(int64_t{3}), nullptr) << "a refused command leaves nothing behind";
  EXPECT_NE(d.add(command("Not A Name")), "");
  EXPECT_NE(d.add(command("")), "");
}

TEST(Directory, WhatAnInstanceOfferedGoesWithIt) {
  Directory d;
  auto* provider = reinterpret_cast<plugins::Instance*>(0x10);  // only compared
  Command c = command("a", {1});
  c.provider = provider;
  EXPECT_EQ(d.add(c), "");
  EXPECT_EQ(d.add(command("kernel.own", {2})), "");
  Point p;
  p.name = "radio.csq";
  p.provider = provider;
  EXPECT_EQ(d.add(p), "");
  d.remove_of(*provider);
  EXPECT_EQ(d.command("a"), nullptr);
  EXPECT_EQ(d.command(int64_t{1}), nullptr);
  EXPECT_EQ(d.point("radio.csq"), nullptr);
  EXPECT_NE(d.command("kernel.own"), nullptr);
  EXPECT_EQ(d.add(command("a", {1})), "") << "and may be offered again";
}

plugins::Instance* fake(uintptr_t at) { return reinterpret_cast<plugins::Instance*>(at); }  // only compared
Command shared(const std::string& name, plugins::Instance* provider, std::vector<uint32_t> codes = {}) {
  Command c = command(name, std::move(codes));
  c.flags = DTU_COMMAND_SHARED;
  c.provider = provider;
  return c;
}

TEST(Directory, ASharedNameHasItsProvidersInTheirOrder) {
  Directory d;
  d.seat(*fake(0x10));
  d.seat(*fake(0x20));
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x30))), "") << "one without a seat";
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x20))), "");
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x10), {9})), "");
  EXPECT_EQ(d.command("wifi.scan")->provider, fake(0x10));
  EXPECT_EQ(d.command(int64_t{9})->provider, fake(0x10));
  EXPECT_EQ(d.command("wifi.scan", fake(0x30))->provider, fake(0x30));
  EXPECT_EQ(d.command("wifi.scan", fake(0x40)), nullptr);
  EXPECT_EQ(d.commands().find("wifi.scan")->second.size(), 3U);
  d.remove_of(*fake(0x10));
  EXPECT_EQ(d.command("wifi.scan")->provider, fake(0x20));
  EXPECT_EQ(d.command(int64_t{9}), nullptr) << "the others do not answer to it";
  d.rehome(*fake(0x20), *fake(0x50));
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x10))), "") << "it comes back";
  EXPECT_EQ(d.command("wifi.scan")->provider, fake(0x10));
  EXPECT_EQ(d.commands().find("wifi.scan")->second[1].provider, fake(0x50)) << "a successor has the seat";
}

TEST(Directory, ANameIsSharedOnlyIfAllSaySo) {
  Directory d;
  Command own = command("network.configure");
  own.provider = fake(0x10);
  EXPECT_EQ(d.add(own), "");
  EXPECT_EQ(d.add(shared("network.configure", fake(0x20))), "command network.configure is offered already");
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x20))), "");
  EXPECT_EQ(d.add(shared("wifi.scan", fake(0x20))), "command wifi.scan is offered already") << "twice by one";
  own.name = "wifi.scan";
  EXPECT_EQ(d.add(own), "command wifi.scan is offered already");
}

}  // namespace
}  // namespace dtud::commands
