// SMS over the engine: sent in parts, read, handed over, deleted, and run when they are commands.
#include <algorithm>

#include "fake_modem.hpp"
#include "sms/alphabet.hpp"
#include "sms/pdu.hpp"
#include "sms/service.hpp"

namespace {

using namespace hal_ec600;
using namespace hal_ec600::test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kOwner = "+8613800138000";

class SmsFitting : public Fitting {
 public:
  SmsFitting(dtu::Host host, AtEngine& engine, sms::Inbox::Settings settings)
      : service(host, engine, std::move(settings)) {}
  bool invoke(uint64_t call, std::string_view name, std::string_view args) override {
    return service.invoke(call, name, args);
  }
  void stop() override { service.stop(); }
  sms::Service service;
};

class SmsServiceTest : public ServiceTest {
 protected:
  struct Stored {
    int state;
    std::string pdu;
  };
  std::map<std::string, std::map<int, Stored>> stored{{"SM", {}}, {"ME", {}}};
  size_t capacity = 20;
  std::string selected = "SM", delete_error;              // what a deletion is answered instead, and nothing is deleted
  std::vector<std::pair<std::string, std::string>> sent;  // number, text of each part
  SmsFitting* fitting = nullptr;

  void begin(std::vector<std::string> commands_from = {}) {
    use([&](dtu::Host host, FakeModem& m) {
      auto made = std::make_unique<SmsFitting>(host, m.engine, sms::Inbox::Settings{600, 0, std::move(commands_from)});
      fitting = made.get();
      return made;
    });
    modem().on("AT+CPMS=", [this](const std::string& c) -> std::vector<std::string> {
      selected = c.substr(9, 2);
      const std::string n = std::to_string(stored[selected].size()) + "," + std::to_string(capacity);
      return {"+CPMS: " + n + "," + n + "," + n, "OK"};
    });
    modem().on("AT+CMGL=4", [this](const std::string&) {
      std::vector<std::string> out;
      for (auto& [index, s] : stored[selected]) {
        out.push_back("+CMGL: " + std::to_string(index) + "," + std::to_string(s.state) + ",,20");
        out.push_back(s.pdu);
      }
      out.emplace_back("OK");
      return out;
    });
    modem().on("AT+CMGD=", [this](const std::string& c) -> std::vector<std::string> {
      if (!delete_error.empty()) return {delete_error};
      const bool was = stored[selected].erase(std::stoi(c.substr(8))) == 1;
      return {was ? "OK" : "+CMS ERROR: 321"};
    });
    modem().on("AT+CMGS=", {"> "});
    modem().on_text = [this](const std::string& command, const std::string& hex) -> std::vector<std::string> {
      EXPECT_EQ(std::stoul(command.substr(8)), hex.size() / 2 - 1);
      const sms::Pdu pdu = sms::decode(hex);
      sent.emplace_back(pdu.peer.text, sms::text_of(pdu.coding, pdu.body));
      return {"+CMGS: " + std::to_string(sent.size() + 40), "", "OK"};
    };
    fitting->service.ready();
    modem().play();
  }
  static std::string from(const std::string& number, const std::string& text, int second = 0) {
    const sms::Submit s = sms::encode(number, text, 7).at(0);
    return incoming(s.hex, second);
  }
  static std::string incoming(const std::string& submit, int second) {
    const size_t digits = std::stoul(submit.substr(6, 2), nullptr, 16);
    const std::string address = submit.substr(6, 4 + (digits + 1) / 2 * 2);
    const std::string rest = submit.substr(6 + address.size());
    const bool header = (std::stoul(submit.substr(2, 2), nullptr, 16) & 0x40U) != 0;
    const std::string seconds = {static_cast<char>('0' + second % 10), static_cast<char>('0' + second / 10)};
    return std::string("00") + (header ? "44" : "04") + address + rest.substr(0, 4) + "6211038150" + seconds + "23" +
           rest.substr(4);
  }
  static std::string from_owner(const std::string& text) { return from(kOwner, text); }
  void arrive(const std::string& pdu, const std::string& storage = "SM") {
    int index = 0;
    while (stored[storage].count(index) != 0) ++index;
    stored[storage][index] = {0, pdu};
    modem().say("+CMTI: \"" + storage + "\"," + std::to_string(index));
    settle();
  }
  void settle() {  // what waits for the disk only
    host_.advance(std::chrono::milliseconds(0));
    modem().play();
  }
  // dtud stopped and started again, before the same modem.
  void start_again(std::vector<std::string> commands_from = {kOwner}) {
    instance_.reset();
    host_.clear();
    begin(std::move(commands_from));
    settle();
  }
  std::vector<std::string> events() {
    std::vector<std::string> out;
    for (const auto& e : host_.events()) out.push_back(e.json);
    return out;
  }
};

TEST_F(SmsServiceTest, SendsAndAnswersWithTheReference) {
  begin();
  EXPECT_EQ(call("sms.send", R"({"number": "10086", "text": "hello [you]"})"), R"({"parts":1,"references":[41]})");
  EXPECT_THAT(sent, ElementsAre(std::pair<std::string, std::string>("10086", "hello [you]")));
}

TEST_F(SmsServiceTest, SendsALongTextInParts) {
  begin();
  std::string text;
  for (int i = 0; i < 1600; ++i) text += "中";
  const std::string answer = call("sms.send", R"({"number": "+861", "text": ")" + text + "\"}");
  EXPECT_THAT(answer, HasSubstr("\"parts\":24,\"references\":[41,42,"));
  std::string seen;
  for (const auto& part : sent) seen += part.second;
  EXPECT_EQ(seen, text);
  EXPECT_EQ(modem().times("AT+CMGF=0"), 24U + 2U) << "set for each part, and for each listing";
}

TEST_F(SmsServiceTest, SaysWhichPartWasNotSent) {
  begin();
  int parts = 0;
  modem().on_text = [&](const std::string&, const std::string&) -> std::vector<std::string> {
    return ++parts < 3 ? std::vector<std::string>{"+CMGS: 1", "OK"} : std::vector<std::string>{"+CMS ERROR: 331"};
  };
  EXPECT_THAT(call("sms.send", R"({"number": "1", "text": ")" + std::string(500, 'x') + "\"}"),
              HasSubstr("error: part 3 of 4 was not sent: AT+CMGS: "));
  EXPECT_THAT(call("sms.send", R"({"number": "12+", "text": ""})"), HasSubstr("error: /number"));
}

TEST_F(SmsServiceTest, OnlyWhatWasHandedOverMayHaveBeenSent) {
  begin();
  modem().on("AT+CMGS=", std::vector<std::string>{});
  EXPECT_EQ(call("sms.send", R"({"number": "1", "text": "a"})"), "no answer yet");
  run(11'000);
  EXPECT_EQ(answer(), "error: AT+CMGS: the modem did not ask for the text within 10 s, so nothing was sent");
  modem().on("AT+CMGS=", {"> "});
  modem().on_text = [](const std::string&, const std::string&) { return std::vector<std::string>{}; };
  (void)call("sms.send", R"({"number": "1", "text": "a"})");
  run(121'000);
  EXPECT_THAT(answer(), HasSubstr("it may have been sent all the same"));
  modem().on_text = [](const std::string&, const std::string&) { return std::vector<std::string>{"RDY"}; };
  EXPECT_THAT(call("sms.send", R"({"number": "1", "text": "a"})"), HasSubstr("it may have been sent all the same"));
}

TEST_F(SmsServiceTest, ADeafModemIsSaidAndNothingIsLeft) {
  begin();
  modem().deaf = true;
  EXPECT_EQ(call("sms.send", R"({"number": "1", "text": "a"})"), "no answer yet");
  run(300'000);
  EXPECT_THAT(answer(), HasSubstr("error: "));
  EXPECT_THAT(call("sms.send", R"({"number": "1", "text": "a"})"), HasSubstr("the modem does not answer"));
}

TEST_F(SmsServiceTest, ReadsHandsOverThenDeletes) {
  begin();
  arrive(from("10086", "hello"));
  arrive(from("10086", "in the other", 1), "ME");
  EXPECT_THAT(events(), ElementsAre(R"({"from":"10086","text":"hello","time":"2026-11-30T18:05:00+08:00"})",
                                    R"({"from":"10086","text":"in the other","time":"2026-11-30T18:05:01+08:00"})"));
  EXPECT_THAT(stored["SM"], IsEmpty());
  EXPECT_THAT(stored["ME"], IsEmpty());
}

TEST_F(SmsServiceTest, LeftoversAreReadOnceAtStart) {
  stored["SM"][3] = {1, from("1", "old")};
  stored["ME"][0] = {0, from("1", "new", 1)};
  stored["ME"][1] = {3, sms::encode("1", "written here", 1).at(0).hex};
  begin();
  EXPECT_THAT(events(), SizeIs(2));
  EXPECT_THAT(stored["SM"], IsEmpty());
  EXPECT_THAT(stored["ME"], SizeIs(1)) << "what was written on the modem to be sent is not ours";
}

TEST_F(SmsServiceTest, NothingIsDeletedBeforeTheEventIsTaken) {
  begin();
  delete_error = "+CMS ERROR: 500";
  arrive(from("1", "a"));
  EXPECT_THAT(events(), SizeIs(1));
  fitting->service.look();
  modem().play();
  EXPECT_THAT(events(), SizeIs(1)) << "an SMS that cannot be deleted is told once";
  EXPECT_THAT(stored["SM"], SizeIs(1));
  delete_error.clear();
  fitting->service.look();
  modem().play();
  EXPECT_THAT(stored["SM"], IsEmpty());
}

TEST_F(SmsServiceTest, AStormOfAnnouncementsAndAStaleIndex) {
  begin();
  for (int i = 0; i < 300; ++i) modem().say("+CMTI: \"SM\",7");
  EXPECT_THAT(events(), IsEmpty());
  modem().say("+CMTI: \"??\",");
  modem().say("+CMTI:");
  arrive(from("1", "a"));
  EXPECT_THAT(events(), SizeIs(1));
}

TEST_F(SmsServiceTest, LongMessagesAreJoinedAndIncompleteOnesMarked) {
  begin();
  const auto parts = sms::encode(kOwner, std::string(200, 'x') + "end", 5);
  arrive(incoming(parts[1].hex, 1));
  EXPECT_THAT(events(), IsEmpty());
  EXPECT_THAT(stored["SM"], SizeIs(1)) << "kept in the modem until it is handed over";
  fitting->service.gone();
  fitting->service.ready();  // a restart of the modem reads the part again
  modem().play();
  arrive(incoming(parts[0].hex, 0));
  ASSERT_THAT(events(), SizeIs(1));
  EXPECT_THAT(events()[0], HasSubstr("xend\""));
  EXPECT_THAT(events()[0], HasSubstr("\"parts\":2"));
  EXPECT_THAT(stored["SM"], IsEmpty());

  arrive(incoming(sms::encode(kOwner, std::string(200, 'y'), 6).at(1).hex, 1));
  run(599'000);
  EXPECT_THAT(events(), SizeIs(1));
  run(2'000);
  ASSERT_THAT(events(), SizeIs(2));
  EXPECT_THAT(events()[1], HasSubstr("\"missing\":[1]"));
  EXPECT_THAT(stored["SM"], IsEmpty());
}

TEST_F(SmsServiceTest, ABrokenOneIsHandedOverAsItIs) {
  begin();
  arrive("0004FF91");
  ASSERT_THAT(events(), SizeIs(1));
  EXPECT_THAT(events()[0], HasSubstr("\"pdu\":\"0004FF91\""));
  EXPECT_THAT(events()[0], HasSubstr("255 digits"));
  EXPECT_THAT(stored["SM"], IsEmpty());
}

TEST_F(SmsServiceTest, AFullStorageIsOneFinding) {
  capacity = 2;
  begin();
  stored["SM"][5] = {3, sms::encode("1", "own", 1).at(0).hex};
  const auto parts = sms::encode("1", std::string(400, 'x'), 5);
  arrive(incoming(parts[0].hex, 0));
  fitting->service.look();
  modem().play();
  EXPECT_TRUE(host_.logged("the SMS storage SM is full (2 of 2)"));
  ASSERT_THAT(events(), SizeIs(1)) << "the incomplete message makes room";
  EXPECT_THAT(events()[0], HasSubstr("\"missing\":[2,3]"));
  EXPECT_THAT(stored["SM"], SizeIs(1));
  capacity = 1;
  for (int i = 0; i < 5; ++i) fitting->service.look(), modem().play();
  size_t warnings = 0;
  for (const auto& line : host_.logs()) warnings += line.text.find("is full") != std::string::npos ? 1 : 0;
  EXPECT_EQ(warnings, 2U) << "once for each time that it is full";
  EXPECT_THAT(fitting->service.health(), HasSubstr("\"trouble\":\"the SMS storage SM is full (1 of 1)\""));
}

TEST_F(SmsServiceTest, ListShowsWhatLiesThereAndWhatCame) {
  begin();
  arrive(from("10086", "hello"));
  stored["ME"][4] = {3, sms::encode("1", "draft", 1).at(0).hex};
  EXPECT_EQ(call("sms.list", "{}"),
            R"({"stored":[{"storage":"ME","index":4,"state":3,"peer":"1","text":"draft","time":""}],)"
            R"("recent":[{"from":"10086","text":"hello","time":"2026-11-30T18:05:00+08:00"}]})");
}

TEST_F(SmsServiceTest, AModemWithoutASimStaysQuiet) {
  begin();
  modem().on("AT+CPMS=", {"+CMS ERROR: 310"});
  const size_t before = modem().times("AT+CPMS");
  fitting->service.ready();
  modem().play();
  run(60'000);
  EXPECT_EQ(modem().times("AT+CPMS"), before + 2) << "each storage once";
  EXPECT_EQ(call("sms.list", "{}"), R"({"stored":[],"recent":[]})");
}

// --- commands

TEST_F(SmsServiceTest, ACommandFromAListedNumberIsRunAndAnswered) {
  begin({kOwner});
  host_.on_command("adc.query", [](const dtu::test::Request& r) -> std::optional<dtu::test::Answer> {
    EXPECT_EQ(r.caller, DTU_CALLER_REMOTE);
    EXPECT_EQ(r.remote, std::string("sms ") + kOwner);
    EXPECT_EQ(r.password, "640000");
    EXPECT_EQ(r.args, R"({"adcn": 1})");
    return dtu::test::Answer{DTU_OK, "1.25"};
  });
  arrive(from(kOwner, R"(adc.query 640000 {"adcn": 1})"));
  host_.run_until([&] {
    modem().play();
    return !sent.empty();
  });
  EXPECT_THAT(sent, ElementsAre(std::pair<std::string, std::string>(kOwner, "adc.query: 1.25")));
  ASSERT_THAT(events(), SizeIs(1));
  EXPECT_THAT(events()[0], HasSubstr(R"("text":"adc.query")"));
  EXPECT_THAT(events()[0], HasSubstr(R"("order":"run")"));
  EXPECT_THAT(stored["SM"], IsEmpty());
}

TEST_F(SmsServiceTest, AFunctionCodeIsAnsweredAsJson) {
  begin({kOwner});
  host_.on_code(3, [](const dtu::test::Request&) { return dtu::test::Answer{DTU_E_DENIED, "", "wrong password"}; });
  arrive(from(kOwner, R"({"msg_id": 4, "cmd_code": 3, "password": "x"})"));
  host_.run_until([&] {
    modem().play();
    return !sent.empty();
  });
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].second, R"({"msg_id":4,"cmd_code":3,"data":null,"status":0,"error":"wrong password"})");
}

TEST_F(SmsServiceTest, AForbiddenNumberRunsNothingAndIsCounted) {
  begin({kOwner});
  arrive(from("+8613800138001", "radio.csq 640000"));
  std::string name = "0004" + std::string("1CD0") + sms::hex_of(sms::packed(kOwner)) +
                     "0000"
                     "62110381500023"
                     "01"
                     "33";
  arrive(name);  // a sender who calls himself so; broken, as a name has at most 11 characters
  arrive(
      "0004"
      "12D0" +
      sms::hex_of(sms::packed("+861380013")) +
      "0000"
      "62110381500023"
      "01"
      "33");
  EXPECT_THAT(host_.requests(), IsEmpty());
  EXPECT_THAT(fitting->service.health(), HasSubstr("\"commands_refused\":2"));
  EXPECT_THAT(sent, IsEmpty());
  ASSERT_THAT(events(), SizeIs(3));
  EXPECT_THAT(events()[0], HasSubstr(R"("text":"radio.csq")"));
  EXPECT_THAT(events()[0], HasSubstr(R"("order":"refused")"));
  EXPECT_THAT(events()[0], Not(HasSubstr("640000")));
}

TEST_F(SmsServiceTest, AMiswrittenCommandIsAnsweredAndItsPasswordIsNotTold) {
  begin({kOwner});
  delete_error = "+CMS ERROR: 320";  // they stay, so sms.list shows them
  arrive(from(kOwner, "Radio.csq secret99 now"));
  EXPECT_THAT(sent, IsEmpty()) << "it would be answered after every restart";
  EXPECT_THAT(call("sms.list", "{}"), Not(HasSubstr("secret99")));
  delete_error.clear();
  for (const char* text : {"0xZZ secret99", R"({"cmd_code": "x", "password": "secret99"})"}) {
    sent.clear();
    arrive(from(kOwner, text));
    host_.run_until([&] {
      modem().play();
      return !sent.empty();
    });
    ASSERT_THAT(sent, SizeIs(1)) << text;
    EXPECT_EQ(sent[0].first, kOwner);
    EXPECT_THAT(sent[0].second, HasSubstr(" failed: ")) << text;
  }
  EXPECT_THAT(host_.requests(), IsEmpty());
  ASSERT_THAT(events(), SizeIs(3));
  for (const std::string& event : events()) {
    EXPECT_THAT(event, HasSubstr(R"("order":"unreadable")"));
    EXPECT_THAT(event, Not(HasSubstr("secret99")));
  }
  EXPECT_THAT(call("sms.list", "{}"), Not(HasSubstr("secret99")));
  arrive(from("+8613800138001", "www.example.org is down today"));
  EXPECT_THAT(events().back(), HasSubstr("is down today")) << "of other numbers it is text";
}

TEST_F(SmsServiceTest, WithoutCommandsFromEverythingIsText) {
  begin();
  arrive(from(kOwner, "radio.csq 640000"));
  EXPECT_THAT(host_.requests(), IsEmpty());
  EXPECT_THAT(events(), ElementsAre(HasSubstr("radio.csq 640000")));
}

TEST_F(SmsServiceTest, ACommandDeliveredTwiceRunsOnce) {
  begin({kOwner});
  host_.on_command("a.b", [](const dtu::test::Request&) { return dtu::test::Answer{DTU_OK, ""}; });
  arrive(from(kOwner, "a.b"));
  arrive(from(kOwner, "a.b"));
  arrive(from(kOwner, "a.b"), "ME");
  EXPECT_THAT(host_.requests(), SizeIs(1));
  EXPECT_THAT(fitting->service.health(), HasSubstr("\"doubles\":2"));
  arrive(from(kOwner, "a.b", 9));
  EXPECT_THAT(host_.requests(), SizeIs(2)) << "sent again by a person";
}

TEST_F(SmsServiceTest, ASenderThatIsForgedCostsAtMostSixtyAnswersAnHour) {
  begin({kOwner});
  host_.on_command("a.b", [](const dtu::test::Request&) { return dtu::test::Answer{DTU_OK, ""}; });
  const auto storm = [this](int from, int to) {
    for (int i = from; i < to; ++i) {
      arrive(from_owner("a.b " + std::to_string(i)));
      host_.run_for(std::chrono::milliseconds(0));
      modem().play();
      run(1'000);
    }
  };
  storm(0, 100);
  EXPECT_THAT(host_.requests(), SizeIs(60));
  EXPECT_THAT(fitting->service.health(), HasSubstr("\"commands_left_out\":40"));
  run(3'600'000);
  storm(100, 101);
  EXPECT_THAT(host_.requests(), SizeIs(61));
}

TEST_F(SmsServiceTest, ACommandThatCannotBeDeletedIsNotRun) {
  begin({kOwner});
  delete_error = "+CMS ERROR: 500";
  arrive(from(kOwner, "device.restart 640000"));
  EXPECT_THAT(host_.requests(), IsEmpty());
  EXPECT_TRUE(host_.logged("was not run"));
}

TEST_F(SmsServiceTest, ACommandThatTheModemKeepsRunsOnceAcrossStarts) {
  for (const char* said : {"OK", "+CMS ERROR: 321"}) {
    SCOPED_TRACE(said);
    stored["SM"].clear();
    delete_error.clear();
    host_.kv("fake").clear();
    start_again();
    delete_error = said;
    host_.on_command("device.restart", [](const dtu::test::Request&) { return dtu::test::Answer{DTU_OK, ""}; });
    arrive(from_owner("device.restart 640000"));
    EXPECT_THAT(host_.requests(), SizeIs(1));
    EXPECT_THAT(events(), ElementsAre(HasSubstr(R"("order":"run")")));
    for (int start = 0; start < 3; ++start) {
      start_again();
      fitting->service.look();
      settle();
      EXPECT_THAT(host_.requests(), IsEmpty());
      EXPECT_THAT(events(), IsEmpty()) << "told once";
    }
    host_.kv("fake").erase("sms.told");  // what is told may be forgotten: a storm of texts does it
    start_again();
    EXPECT_THAT(host_.requests(), IsEmpty());
    EXPECT_THAT(events(), ElementsAre(HasSubstr(R"("order":"repeated")")));
    EXPECT_THAT(fitting->service.health(), HasSubstr("\"commands_repeated\":1"));
    stored["ME"] = stored["SM"];  // where it lies does not matter
    stored["SM"].clear();
    host_.kv("fake").erase("sms.told");
    start_again();
    EXPECT_THAT(host_.requests(), IsEmpty());
    stored["ME"].clear();
  }
}

TEST_F(SmsServiceTest, WhatCannotBeKeptIsNotRunAndItsSenderIsTold) {
  host_.kv("fake")["full"] = std::string(DTU_KV_MAX - 4, 'x');
  begin({kOwner});
  arrive(from_owner("a.b"));
  EXPECT_THAT(host_.requests(), IsEmpty());
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].second, HasSubstr("a.b failed: that it was run cannot be kept on the disk"));
  EXPECT_THAT(fitting->service.health(), HasSubstr("\"commands\":0"));
  host_.kv("fake").clear();
  arrive(from_owner("a.c"));
  EXPECT_THAT(host_.requests(), SizeIs(1));

  host_.withhold(DTU_KV_SERVICE);
  start_again();
  arrive(from_owner("a.d"));
  EXPECT_THAT(host_.requests(), IsEmpty());
  EXPECT_THAT(sent.back().second, HasSubstr("a.d failed: this host keeps nothing"));
}

TEST_F(SmsServiceTest, TheMemoryOfCommandsIsBoundedAndDamageIsNoHarm) {
  host_.kv("fake")["sms.run"] = std::string(10'000, 'a') + "\xff";
  host_.kv("fake")["sms.told"] = std::string(9'000, 'b') + "short";
  begin({kOwner});
  for (int i = 0; i < 5; ++i) arrive(from_owner("a.b " + std::to_string(i)));
  EXPECT_THAT(host_.requests(), SizeIs(5));
  EXPECT_THAT(host_.kv("fake")["sms.run"], SizeIs(64U * 32U));
  EXPECT_THAT(host_.kv("fake")["sms.told"], SizeIs(256U * 32U));
}

TEST_F(SmsServiceTest, AModemThatOnlySaysItDeletesIsNotAskedForEver) {
  capacity = 1;
  begin();
  delete_error = "OK";
  arrive(from("1", "a"));
  const size_t deletions = modem().times("AT+CMGD=");
  EXPECT_EQ(deletions, 2U) << "with a full storage, which is looked at again after each deletion";
  EXPECT_THAT(events(), SizeIs(1));
  EXPECT_TRUE(host_.logged("the modem says that it did"));
  for (int i = 0; i < 5; ++i) fitting->service.look(), settle();
  EXPECT_EQ(modem().times("AT+CMGD="), deletions);
  EXPECT_THAT(fitting->service.health(), HasSubstr("\"undeletable\":1"));
}

TEST_F(SmsServiceTest, ARestartOfTheModemBetweenTellingAndDeletingLosesNoCommand) {
  begin({kOwner});
  modem().on("AT+CMGD=", [this](const std::string&) -> std::vector<std::string> { return {"RDY"}; });
  arrive(from(kOwner, "a.b"));
  EXPECT_THAT(host_.requests(), IsEmpty());
  modem().on("AT+CMGD=", [this](const std::string& c) -> std::vector<std::string> {
    stored[selected].erase(std::stoi(c.substr(8)));
    return {"OK"};
  });
  fitting->service.ready();
  run(3'000);
  EXPECT_THAT(host_.requests(), SizeIs(1));
  EXPECT_THAT(events(), SizeIs(1));
  EXPECT_THAT(stored["SM"], IsEmpty());
}

}  // namespace
