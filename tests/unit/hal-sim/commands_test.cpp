// The simulated SMS.
#include <Poco/JSON/Parser.h>

#include "fixture.hpp"

namespace hal_sim::test {
namespace {

class Commands : public SimTest {
 protected:
  struct Listed {
    std::string name, schema;
    uint32_t flags;
  };
  std::vector<Listed> listed() {
    std::vector<Listed> all;
    const auto each = [](void* ctx, const dtu_command_info* i) {
      static_cast<std::vector<Listed>*>(ctx)->push_back(
          {std::string(dtu::view(i->name)), std::string(dtu::view(i->args_schema)), i->flags});
    };
    EXPECT_EQ(commands().list(sim_->self(), each, &all, nullptr), DTU_OK);
    return all;
  }
};

TEST_F(Commands, SmsSendIsTheOnlyOneAndNeedsThePassword) {
  use("{}");
  ASSERT_EQ(listed().size(), 1U);
  EXPECT_EQ(listed()[0].name, "sms.send");
  EXPECT_EQ(listed()[0].flags, DTU_COMMAND_PASSWORD);
  EXPECT_NO_THROW(Poco::JSON::Parser().parse(listed()[0].schema));
}

TEST_F(Commands, TheLastSmsIsAPoint) {
  use("{}");
  EXPECT_EQ(read("sms.last"), "null");
  EXPECT_EQ(invoke("sms.send", R"({"number": "+15555550123", "text": "hello \"you\""})"), "");
  EXPECT_EQ(read("sms.last"), R"({"number":"+15555550123","text":"hello \"you\""})");
  EXPECT_EQ(invoke("sms.send", R"({"number": "10086", "text": "second"})"), "");
  EXPECT_EQ(read("sms.last"), R"({"number":"10086","text":"second"})");
}

TEST_F(Commands, AWrongNumberIsNamed) {
  use("{}");
  for (const char* number : {"", "12", "+", "+12", "12a45", "123456789012345678901", "++123"})
    EXPECT_THAT(invoke("sms.send", std::string(R"({"text": "x", "number": ")") + number + "\"}"),
                HasSubstr("/number: 3 to 20 digits"))
        << number;
  EXPECT_EQ(read("sms.last"), "null");
}

TEST_F(Commands, ATextTooLongIsRefused) {
  use("{}");
  const std::string args = R"({"number": "10086", "text": ")" + std::string(4001, 'x') + "\"}";
  EXPECT_THAT(invoke("sms.send", args), HasSubstr("/text is too long"));
}

TEST_F(Commands, AbsentMeansUnsupported) {
  use(R"({"absent": ["sms.send"]})");
  EXPECT_TRUE(listed().empty());
  EXPECT_THAT(invoke("sms.send", R"({"number": "10086", "text": "x"})"),
              testing::StartsWith(failed(DTU_E_UNSUPPORTED, "sms.send: this board does not have it")));
}

TEST_F(Commands, AnUnknownOneIsNotFound) {
  use("{}");
  EXPECT_EQ(invoke("tts.say", "{}"), failed(DTU_E_NOT_FOUND, "tts.say is not a command of the simulated board"));
}

}  // namespace
}  // namespace hal_sim::test
