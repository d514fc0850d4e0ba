// Every fixture, loaded from a file as dtud does it: a clear refusal, or the right facts.
#include "plugins/loader/loader.hpp"

#include <dlfcn.h>
#include <dtu/channel.h>
#include <dtu/commands.h>
#include <dtu/dialect.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "folder.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Plugin = std::shared_ptr<const LoadedPlugin>;

struct Refused {
  const char* fixture;
  const char* text;
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.fixture; }
class RefusedFixture : public testing::TestWithParam<Refused> {};

TEST_P(RefusedFixture, IsRefusedInOneLineThatNamesTheFile) {
  const Folder folder;
  const fs::path file = folder.fixture(GetParam().fixture);
  const LoadResult result = load(file);
  ASSERT_TRUE(std::holds_alternative<Refusal>(result));
  const std::string& text = std::get<Refusal>(result).text;
  EXPECT_THAT(text, HasSubstr(GetParam().text));
  EXPECT_EQ(text.find(file.string() + ": "), 0U) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Loader, RefusedFixture,
    testing::Values(
        Refused{"older_minor", "built for plugin ABI 0.1, this dtud speaks 0.2"},
        Refused{"needs_newer", "needs a dtud with plugin ABI 0.9, this one has 0.2: update dtukit"},
        Refused{"other_major", "built for plugin ABI 3, this dtud speaks 0: get a build for 0"},
        Refused{"empty", "exports no dtu_plugin_v0: not a dtukit plugin, remove it"},
        Refused{"bad_magic", "not a dtukit plugin"}, Refused{"short_descriptor", "its descriptor is too short"},
        Refused{"undefined_symbol", "undefined symbol: dtu_fixture_function_nobody_has"},
        Refused{"duplicate_type", "it holds channel:plain twice"}, Refused{"null_ops", "component plain has no ops"},
        Refused{"bad_type_name", "type \"Not A Type\": allowed are 1 to 32 of a-z, 0-9 and -"},
        Refused{"types_disagree", "it holds channel:held, which its DTU_TYPES does not name"},
        Refused{"wrong_key_1", "key \"mine-own\": allowed are 1 to 64 letters, digits and _"},
        Refused{"wrong_key_2", "key \"conf\" is dtud's own"},
        Refused{"wrong_key_3", "key \"mine\": its schema cannot be used: "},
        Refused{"wrong_key_4", "key \"mine\": its schema cannot be used: it is not JSON"},
        Refused{"wrong_key_5", "key \"mine\": its schema cannot be used: "},
        Refused{"wrong_key_6", "key \"mine\" is declared twice"},
        Refused{"wrong_key_7", "dtu.keys/1 lists more than 32 keys"},
        Refused{"wrong_key_8", "it holds key:mine, which its DTU_TYPES does not name"},
        Refused{"wrong_key_9", "its DTU_TYPES names key:mine, which it does not hold"},
        Refused{"text_file", "is not a shared object"}, Refused{"truncated", "is cut short: install the plugin again"}),
    [](const auto& info) { return std::string(info.param.fixture); });

struct Accepted {
  const char* fixture;
  const char* type;
};
void PrintTo(const Accepted& accepted, std::ostream* out) { *out << accepted.fixture; }
class AcceptedFixture : public testing::TestWithParam<Accepted> {};

TEST_P(AcceptedFixture, IsLoaded) {
  const Folder folder;
  const LoadResult result = load(folder.fixture(GetParam().fixture));
  ASSERT_TRUE(std::holds_alternative<Plugin>(result)) << std::get<Refusal>(result).text;
  const LoadedPlugin& plugin = *std::get<Plugin>(result);
  EXPECT_EQ(plugin.components.at(0).type, GetParam().type);
  EXPECT_NE(plugin.components.at(0).iface<dtu_channel>(DTU_CHANNEL_IFACE)->send, nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Loader, AcceptedFixture,
    testing::Values(Accepted{"short_tables", "older"}, Accepted{"newer_minor", "newer"}, Accepted{"pure_c", "pure-c"},
                    Accepted{"undeclared", "undeclared"}, Accepted{"ctor_marker", "ctor-marker"},
                    Accepted{"throws_create", "throws-create"}, Accepted{"throws_start", "throws-start"},
                    Accepted{"throws_send", "throws-send"}, Accepted{"rawthrow", "rawthrow"},
                    Accepted{"two_components", "two"}, Accepted{"blocks_send", "blocks-send"},
                    Accepted{"late_emit", "late-emit"}, Accepted{"never_completes", "never-completes"},
                    Accepted{"completes_twice", "completes-twice"}, Accepted{"wrong_key_0", "wrong-key"}),
    [](const auto& info) { return std::string(info.param.fixture); });

Plugin loaded(const fs::path& file) {
  LoadResult result = load(file);
  return std::holds_alternative<Plugin>(result) ? std::get<Plugin>(result) : nullptr;
}

TEST(Loader, ShortTablesReadAsIfTheNewFieldsWereNull) {
  const Folder folder;
  const Plugin p = loaded(folder.fixture("short_tables"));
  ASSERT_TRUE(p);
  const LoadedComponent& c = p->components.at(0);
  EXPECT_NE(c.ops.destroy, nullptr);
  EXPECT_EQ(c.ops.writable, nullptr);
  EXPECT_EQ(c.ops.health, nullptr);
  EXPECT_EQ(c.iface<dtu_channel>(DTU_CHANNEL_IFACE)->flush, nullptr);
}

TEST(Loader, ANewerMinorIsUsedAsFarAsWeKnowIt) {
  const Folder folder;
  const Plugin p = loaded(folder.fixture("newer_minor"));
  ASSERT_TRUE(p);
  EXPECT_EQ(p->abi_minor, 9);
  ASSERT_EQ(p->components.size(), 1U);
  EXPECT_THAT(p->components[0].interface_ids, ElementsAre(DTU_CHANNEL_IFACE, "dtu.peers/1"));
  EXPECT_THAT(p->notes, ElementsAre(HasSubstr("kind 9 is newer than this dtud")));
}

TEST(Loader, FactsOfTwoComponents) {
  const Folder folder;
  const Plugin p = loaded(folder.fixture("two_components"));
  ASSERT_TRUE(p);
  ASSERT_EQ(p->components.size(), 2U);
  EXPECT_EQ(p->components[1].kind, DTU_KIND_COMMAND);
  EXPECT_THAT(p->components[1].interface_ids, ElementsAre(DTU_COMMANDS_IFACE, DTU_DIALECT_IFACE));
  EXPECT_THAT(p->components[1].dialects, ElementsAre("two-a", "two-b"));
  EXPECT_THAT(p->components[0].dialects, IsEmpty());
}

TEST(Loader, KeysOfTheDeviceDocument) {
  const Folder folder;
  const Plugin p = loaded(folder.fixture("keys/owner_3"));
  ASSERT_TRUE(p);
  const LoadedComponent& c = p->components.at(0);
  ASSERT_EQ(c.keys.size(), 1U);
  EXPECT_EQ(c.keys[0].name, "antenna");
  EXPECT_EQ(c.keys[0].title, "Antenna");
  EXPECT_THAT(c.keys[0].schema, HasSubstr("integer"));
  EXPECT_TRUE(c.keys[0].cuts);
  const Plugin other = loaded(folder.fixture("keys/owner_1"));
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->components.at(0).keys.at(0).cuts);
}

TEST(Loader, CodeStaysMappedWhenNobodyHoldsThePlugin) {
  const Folder folder;
  const fs::path file = folder.fixture("two_components");
  decltype(dtu_component::create) create = nullptr;
  {
    const Plugin p = loaded(file);
    ASSERT_TRUE(p);
    create = p->components[0].create;
  }
  Dl_info info{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(create), &info), 0);
  EXPECT_EQ(fs::path(info.dli_fname), file);
}

TEST(Loader, WorldWritableFilesAreNotOpened) {
  const Folder folder;
  const fs::path marker = folder.path() / "marker";
  const fs::path file = folder.fixture("ctor_marker");
  ASSERT_EQ(chmod(file.c_str(), 0666), 0);
  setenv("DTU_FIXTURE_MARKER", marker.c_str(), 1);
  const LoadResult refused = load(file);
  EXPECT_FALSE(fs::exists(marker)) << "it was opened before it was checked";
  ASSERT_TRUE(std::holds_alternative<Refusal>(refused));
  EXPECT_THAT(std::get<Refusal>(refused).text, HasSubstr("chmod go-w " + file.string()));
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  EXPECT_TRUE(loaded(file));
  EXPECT_TRUE(fs::exists(marker)) << "the fixture does not do what it is for";
  unsetenv("DTU_FIXTURE_MARKER");
}

TEST(Loader, AMissingFileIsSaidToBeMissing) {
  const LoadResult result = load("/no/such/plugin.so");
  ASSERT_TRUE(std::holds_alternative<Refusal>(result));
  EXPECT_THAT(std::get<Refusal>(result).text, HasSubstr("/no/such/plugin.so: cannot be opened: No such file"));
}

}  // namespace
}  // namespace dtud::plugins
