// What a board serves for dtud (board.hpp), and the hash of what it installs.
#include <gmock/gmock.h>
#include <dtu/sdk/board.hpp>
#include <dtu/sdk/sha256.hpp>

#include "host/test_host.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string sha256(const std::vector<std::string>& parts) {
  dtu::Sha256 hash;
  for (const std::string& part : parts) hash.update(part);
  return hash.hex();
}

TEST(Sha256, KnownDigests) {  // FIPS 180-4, and what sha256sum says
  EXPECT_EQ(sha256({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256({"abc"}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256({"abcdbcdecdefdefgefghfghighij", "hijkijkljklmklmnlmnomnopnopq"}),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::string thousand(1000, 'a');
  EXPECT_EQ(sha256(std::vector<std::string>(1000, thousand)),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, EveryLengthAroundABlock) {
  for (size_t length : {55U, 56U, 57U, 63U, 64U, 65U, 119U, 120U}) {
    const std::string bytes(length, 'x');
    EXPECT_EQ(sha256({bytes}), sha256({bytes.substr(0, 1), bytes.substr(1)})) << length;
  }
  EXPECT_EQ(sha256({std::string(64, 'x')}), "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c");
}

// Says what it was asked.
class Board : public dtu::Component,
              public dtu::CommandsIface,
              public dtu::FirmwareCommands,
              public dtu::NetworkCommands {
 public:
  Board(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  void list_commands(const Each& each) override {
    list_firmware(each);
    list_network(each);
  }
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller&) override {
    if (invoke_firmware(call, name, args) || invoke_network(call, name, args)) return DTU_OK;
    throw dtu::Failure(DTU_E_NOT_FOUND, "no such command");
  }
  void firmware_facts(uint64_t call) override { host_.reply(call, R"({"firmware": {}})"); }
  void install_firmware(const dtu::FirmwareImage& i, uint64_t call) override {
    host_.reply(call, dtu::quoted(i.kind + " " + i.file + " " + std::to_string(i.size) + " " + i.sha256 + i.version));
  }
  void configure_network(const dtu::NetworkSettings& s, uint64_t call) override {
    host_.reply(call, dtu::quoted(s.apn + " " + s.user + " " + s.password));
  }
};
DTU_COMPONENT(board, Board, DTU_KIND_HAL, "board", "Board", "{}", 0, dtu::commands_iface<Board>);

struct BoardCommands : testing::Test {
  dtu::test::TestHost host;
  dtu::test::Instance instance = host.create(board, "{}");
  std::string ask(const char* name, const char* args) {
    const dtu_caller caller{sizeof caller, DTU_CALLER_HOST, 0, 0, dtu::str("kernel")};
    const dtu_invocation asked{sizeof asked, 0, ++call, dtu::str(name), dtu::str(args), &caller};
    dtu_error error{};
    const auto* table = instance.iface<dtu_commands>(DTU_COMMANDS_IFACE);
    if (table->invoke(instance.self(), &asked, &error) != DTU_OK) return error.message;
    return host.replies().empty() ? "not answered" : host.replies().back().json;
  }
  uint64_t call = 0;
};

TEST_F(BoardCommands, AreListedForDtudAndForSeveralBoards) {
  std::vector<std::string> names;
  const auto each = [](void* to, const dtu_command_info* i) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(dtu::view(i->name));
    EXPECT_EQ(i->flags & ~DTU_COMMAND_CHANGES, DTU_COMMAND_INTERNAL | DTU_COMMAND_SHARED);
  };
  const auto* table = instance.iface<dtu_commands>(DTU_COMMANDS_IFACE);
  EXPECT_EQ(table->list(instance.self(), each, &names, nullptr), DTU_OK);
  EXPECT_THAT(names, ElementsAre("firmware.facts", "firmware.install", "firmware.mark_good", "firmware.cancel",
                                 "network.configure"));
}

TEST_F(BoardCommands, ReachTheFunctionsWithTheirArguments) {
  EXPECT_EQ(ask("firmware.facts", "{}"), R"({"firmware": {}})");
  EXPECT_EQ(ask("firmware.install", R"({"kind": "firmware", "file": "/f", "size": 7, "sha256": "ab"})"),
            "\"firmware /f 7 ab\"");
  EXPECT_EQ(ask("firmware.mark_good", R"({"kind": "package"})"), "package needs no mark here");
  EXPECT_EQ(ask("firmware.cancel", "{}"), "this board cannot stop an installation");
  EXPECT_EQ(ask("network.configure", R"({"apn": "a", "user": "b", "password": "c"})"), "\"a b c\"");
  EXPECT_EQ(ask("network.scan", "{}"), "no such command");
}

}  // namespace
