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

}  // namespace
}  // namespace dtud::commands
