// board.json.
#include <gmock/gmock.h>

#include "fixture.hpp"

namespace dtud::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Board {
  std::optional<BoardConfig> config;
  std::string said;
};

Board board(const std::string& text, const Installed& installed = {}) {
  Board out;
  Findings findings;
  out.config = read_board(text, "board.json", installed.schemas(), findings);
  out.said = all(findings);
  return out;
}

TEST(Board, ReadsTheArchitecturesExample) {
  const auto b = board(R"({
  "hal": [{"type": "linux", "ports": {"1": {"device": "/dev/ttyS1", "rs485": {"mode": "kernel"}}}, "poll_ms": "20"}],
  "plugin_path": ["/usr/lib/dtukit/plugins"], "device_file": "/data/d.json", "state_dir": "/data",
  "control": {"socket": "/tmp/c.sock"}, "reset": "reboot", "initial_password": "none", "commands": [{"type": "dtu"}]})");
  ASSERT_TRUE(b.config) << b.said;
  ASSERT_EQ(b.config->hal.size(), 1U);
  EXPECT_EQ(b.config->hal[0].type, "linux");
  EXPECT_EQ(b.config->hal[0].json, R"({"poll_ms":20,"ports":{"1":{"device":"/dev/ttyS1","rs485":{"mode":"kernel"}}}})");
  EXPECT_THAT(b.config->plugin_path, ElementsAre("/usr/lib/dtukit/plugins"));
  EXPECT_EQ(b.config->device_file, "/data/d.json");
  EXPECT_EQ(b.config->control_socket, "/tmp/c.sock");
  EXPECT_EQ(b.config->reset, "reboot");
  EXPECT_EQ(b.config->initial_password, "none");
  ASSERT_TRUE(b.config->commands);
  EXPECT_EQ(b.config->commands->at(0).type, "dtu");
}

TEST(Board, HasDefaults) {
  const auto b = board("{}");
  ASSERT_TRUE(b.config) << b.said;
  EXPECT_TRUE(b.config->hal.empty());
  EXPECT_FALSE(b.config->commands);
  EXPECT_EQ(b.config->state_dir, "/var/lib/dtukit");
  EXPECT_EQ(b.config->device_file, "/var/lib/dtukit/dtu_config.json");
  EXPECT_EQ(b.config->control_socket, "/run/dtukit/control.sock");
  EXPECT_EQ(b.config->reset, "restart");
  EXPECT_EQ(b.config->initial_password, "imei");
  EXPECT_TRUE(b.config->plugin_path.empty());
  EXPECT_EQ(b.config->factory_file, "");
  EXPECT_TRUE(b.config->plugins.keys.empty());
  EXPECT_FALSE(b.config->plugins.require_signed);
  EXPECT_EQ(b.config->plugins.folder_mb, 16U);
}

TEST(Board, UpgradesHaveDefaults) {
  const auto b = board("{}");
  ASSERT_TRUE(b.config) << b.said;
  const UpgradeConfig& upgrade = b.config->upgrade;
  EXPECT_TRUE(upgrade.keys.empty());
  EXPECT_FALSE(upgrade.allow_http);
  EXPECT_EQ(upgrade.max_bytes, 256U << 20U);
  EXPECT_EQ(upgrade.bytes_per_day, 0U);
  EXPECT_EQ(upgrade.window, "");
  EXPECT_EQ(upgrade.deadline_h, 72U);
  EXPECT_EQ(upgrade.stall_s, 60U);
  EXPECT_EQ(upgrade.retry_s, 10U);
  EXPECT_EQ(upgrade.install_s, 3600U);
  EXPECT_EQ(upgrade.confirm_s, 300U);
  EXPECT_EQ(upgrade.ca + upgrade.cert + upgrade.key, "");
}

TEST(Board, AnIsolatedComponentHasDefaults) {
  const auto b =
      board(R"({"hal": [{"type": "linux", "isolate": true}], "commands": [{"type": "dtu", "isolate": {}}]})");
  ASSERT_TRUE(b.config) << b.said;
  for (const auto& isolate : {b.config->hal.at(0).isolate, b.config->commands->at(0).isolate}) {
    ASSERT_TRUE(isolate);
    EXPECT_EQ(isolate->memory_mb, 64U);
    EXPECT_EQ(isolate->stall_s, 0U);
  }
}

// A command component that nobody configured was given an empty object without the defaults its schema promises.
TEST(Board, ACommandThatIsNotNamedHasItsDefaults) {
  Installed installed;
  installed.commands["greet"] = R"({"type": "object", "properties": {"word": {"type": "string", "default": "Hello"}}})";
  installed.commands["tcp"] = kTcp;
  std::string error;
  EXPECT_EQ(default_config("greet", installed.schemas(), error), R"({"word":"Hello"})");
  EXPECT_EQ(default_config("dtu", installed.schemas(), error), "{}");
  EXPECT_EQ(error, "");
  EXPECT_FALSE(default_config("tcp", installed.schemas(), error));
  EXPECT_THAT(error, HasSubstr("1 to 253 characters"));
}

TEST(Board, TheDeviceFileFollowsTheStateDir) {
  EXPECT_EQ(board(R"({"state_dir": "/data"})").config->device_file, "/data/dtu_config.json");
}

TEST(Board, AnEmptyListOfCommandsIsNotAnAbsentOne) {
  const auto b = board(R"({"commands": []})");
  ASSERT_TRUE(b.config);
  ASSERT_TRUE(b.config->commands);
  EXPECT_TRUE(b.config->commands->empty());
}

TEST(Board, EverythingWrongIsNamed) {
  const auto b = board(R"({"hal": [{"type": "linx"}, {"type": "linux", "poll": 5, "ports": {"1": {}}}, {}, 5],
 "commands": [{"type": "dto"}],
 "plugin_path": ["plugins"], "state_dir": "data", "control": {"sock": "x"}, "reset": "off", "keys": []})");
  EXPECT_FALSE(b.config);
  EXPECT_EQ(b.said,
            "board.json:1:19: error: /hal/0/type: no plugin offers hal type \"linx\": installed are linux\n"
            "board.json:1:46: error: /hal/1/poll: unknown key: did you mean \"poll_ms\"?\n"
            "board.json:1:72: error: /hal/1/ports/1/device: missing: give a text\n"
            "board.json:1:78: error: /hal/2/type: missing: give a text of 1 to 64 characters\n"
            "board.json:1:82: error: /hal/3: 5 is not allowed: give an object { ... }\n"
            "board.json:2:24: error: /commands/0/type: no plugin offers command type \"dto\": installed are dtu\n"
            "board.json:3:18: error: /plugin_path/0: \"plugins\" is not allowed: give an absolute path of at most 1000 "
            "characters\n"
            "board.json:3:43: error: /state_dir: \"data\" is not allowed: give an absolute path of at most 1000 "
            "characters\n"
            "board.json:3:63: error: /control/sock: unknown key: did you mean \"socket\"?\n"
            "board.json:3:86: error: /reset: \"off\" is not allowed: give one of \"restart\", \"reboot\"\n"
            "board.json:3:93: error: /keys: unknown key: known are hal, commands, plugin_path, plugins, factory_file, "
            "device_file, "
            "state_dir, runtime_dir, "
            "control, reset, initial_password, upgrade\n");
}

TEST(Board, WhoMaySignPlugins) {
  const std::string key(43, 'A');
  const auto b = board(R"({"plugins": {"keys": [")" + key + R"(=", "/etc/acme.pub"], "require_signed": true}})");
  ASSERT_TRUE(b.config) << b.said;
  EXPECT_EQ(b.config->plugins.keys.size(), 2U);
  EXPECT_TRUE(b.config->plugins.require_signed);
  EXPECT_FALSE(board("{}").config->plugins.require_signed);
  EXPECT_EQ(board(R"({"plugins": {"require_signed": true}})").said,
            "board.json:1:32: error: /plugins/require_signed: nothing could be opened: name a key in plugins.keys that "
            "may sign\n");
  EXPECT_FALSE(board(R"({"plugins": {"keys": ["acme.pub"]}})").config);
  EXPECT_FALSE(board(R"({"plugins": {"require_signed": "yes"}})").config);
}

TEST(Board, ASocketPathTheKernelCannotHoldIsRefused) {
  EXPECT_FALSE(board(R"({"control": {"socket": "/)" + std::string(107, 'x') + "\"}}").config);
  EXPECT_TRUE(board(R"({"control": {"socket": "/)" + std::string(106, 'x') + "\"}}").config);
}

// The kernel's own key: no schema of a plugin knows it, and no plugin is told.
TEST(Board, AnyComponentMayBeIsolated) {
  const auto b = board(R"({"hal": [{"type": "linux", "ports": {}, "isolate": {"memory_mb": "32"}}],
    "commands": [{"type": "dtu", "isolate": true}]})");
  ASSERT_TRUE(b.config) << b.said;
  ASSERT_TRUE(b.config->hal[0].isolate);
  EXPECT_EQ(b.config->hal[0].isolate->memory_mb, 32U);
  EXPECT_EQ(b.config->hal[0].isolate->stall_s, 0U);
  EXPECT_EQ(b.config->hal[0].json.find("isolate"), std::string::npos);
  ASSERT_TRUE(b.config->commands->at(0).isolate);
  EXPECT_EQ(b.config->commands->at(0).isolate->memory_mb, 64U);
  EXPECT_FALSE(board(R"({"commands": [{"type": "dtu", "isolate": false}]})").config->commands->at(0).isolate);
  EXPECT_THAT(board(R"({"commands": [{"type": "dtu", "isolate": {"memory": 1}}]})").said, HasSubstr("memory"));
}

TEST(Board, BrokenJsonIsNoBoard) {
  const auto b = board("{\"hal\": [] // none\n}");
  EXPECT_FALSE(b.config);
  EXPECT_EQ(b.said, "board.json:1:12: error: comments are not JSON: remove this one\n");
}

}  // namespace
}  // namespace dtud::config
