#include "plugins/loader/catalogue.hpp"

#include <gmock/gmock.h>

namespace dtud::plugins {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const LoadedPlugin> plugin(const std::string& file, uint32_t kind, const std::string& type,
                                           std::vector<std::string> dialects = {}) {
  LoadedPlugin p;
  p.file = file;
  LoadedComponent c;
  c.kind = kind;
  c.type = type;
  c.dialects = std::move(dialects);
  p.components.push_back(c);
  return std::make_shared<const LoadedPlugin>(std::move(p));
}

TEST(Catalogue, FindsByKindAndType) {
  Catalogue all;
  EXPECT_FALSE(all.add(plugin("/p/b.so", DTU_KIND_CHANNEL, "tcp")));
  EXPECT_FALSE(all.add(plugin("/p/a.so", DTU_KIND_CHANNEL, "mqtt")));
  EXPECT_FALSE(all.add(plugin("/p/c.so", DTU_KIND_HAL, "tcp"))) << "another kind may use the name";
  EXPECT_FALSE(all.add(plugin("/p/d.so", DTU_KIND_COMMAND, "dtu", {"through", "command"})));
  EXPECT_EQ(all.find(DTU_KIND_CHANNEL, "mqtt")->type, "mqtt");
  EXPECT_EQ(all.find(DTU_KIND_HAL, "mqtt"), nullptr);
  EXPECT_EQ(all.find_dialect("through")->type, "dtu");
  EXPECT_EQ(all.find_dialect("none"), nullptr);
  EXPECT_THAT(all.types(DTU_KIND_CHANNEL), ElementsAre("mqtt", "tcp"));
  EXPECT_THAT(all.dialects(), ElementsAre("command", "through"));
}

TEST(Catalogue, DuplicatesNameBothFiles) {
  Catalogue all;
  ASSERT_FALSE(all.add(plugin("/p/a.so", DTU_KIND_CHANNEL, "mqtt")));
  ASSERT_FALSE(all.add(plugin("/p/d.so", DTU_KIND_COMMAND, "dtu", {"command"})));
  EXPECT_EQ(all.add(plugin("/q/b.so", DTU_KIND_CHANNEL, "mqtt"))->text,
            "/q/b.so: channel:mqtt is offered already by /p/a.so: remove one of the two files");
  EXPECT_EQ(all.add(plugin("/q/e.so", DTU_KIND_COMMAND, "other", {"command"}))->text,
            "/q/e.so: dialect command is offered already by /p/d.so: remove one of the two files");
  EXPECT_EQ(all.plugins().size(), 2U);
}

TEST(Catalogue, WhatIsBuiltInCannotBeRemoved) {
  Catalogue all;
  LoadedPlugin built_in = *plugin("built-in channel-mqtt", DTU_KIND_CHANNEL, "mqtt");
  built_in.built_in = true;
  ASSERT_FALSE(all.add(std::make_shared<const LoadedPlugin>(built_in)));
  EXPECT_EQ(all.add(plugin("/q/b.so", DTU_KIND_CHANNEL, "mqtt"))->text,
            "/q/b.so: channel:mqtt is offered already by built-in channel-mqtt: remove the file");
}

TEST(Catalogue, AnotherBuildTakesThePlaceOfItsOwnPluginOnly) {
  const auto with_id = [](std::shared_ptr<const LoadedPlugin> p, const char* id) {
    LoadedPlugin copy = *p;
    copy.id = id;
    return std::make_shared<const LoadedPlugin>(std::move(copy));
  };
  Catalogue all;
  const auto old = with_id(plugin("/p/a.so", DTU_KIND_CHANNEL, "mqtt"), "a");
  ASSERT_FALSE(all.add(old));
  ASSERT_FALSE(all.add(with_id(plugin("/p/b.so", DTU_KIND_CHANNEL, "tcp"), "b")));
  EXPECT_EQ(all.conflict(*with_id(plugin("/q/a.so", DTU_KIND_CHANNEL, "tcp"), "a"))->text,
            "/q/a.so: channel:tcp is offered already by /p/b.so: remove one of the two files");
  const auto newer = with_id(plugin("/q/a.so", DTU_KIND_CHANNEL, "mqtt"), "a");
  EXPECT_FALSE(all.conflict(*newer));
  EXPECT_EQ(all.supersede(newer), old);
  EXPECT_EQ(all.plugin("a"), newer);
  EXPECT_EQ(all.plugin("c"), nullptr);
  EXPECT_EQ(all.find(DTU_KIND_CHANNEL, "mqtt"), &newer->components[0]);
  EXPECT_EQ(all.plugins().size(), 2U);
}

}  // namespace
}  // namespace dtud::plugins
