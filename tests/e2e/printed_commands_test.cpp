// The commands that the two DTU documents print, byte for byte, on the line and over TCP (D20); and text that means to
// be a command and cannot be read: it is answered, and never goes to the line.
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

const std::string kNul(1, '\0'), kMark = "\xEF\xBB\xBF";

// What becomes of an example once it has its function code and the right password.
enum class Read { carried_out, read, unreadable };
struct Example {
  const char *name, *code;  // the code as the document writes it
  Read read;
  const char* text;
};
void PrintTo(const Example& example, std::ostream* out) { *out << example.name; }
// The documents print the function code above each of these. Unreadable: a bracket, a comma, a name or a quote is
// missing.
const Example kExamples[] = {{"Seed000_0x04", "0x04", Read::carried_out, R"seed({ "password": "012345",

"data":{}

})seed"},
                             {"Seed000_0x50", "0x50", Read::unreadable, R"seed({

"password":"",

"data":{

message: {"number":"12123123", -- Target number 

"data:" " -- Send SM 

}
}
})seed"},
                             {"Seed000_0x51", "0x51", Read::carried_out, R"seed({
"password":" ",
"data":{ "password": "012345"}
})seed"},
                             {"Seed000_0X53", "0X53", Read::carried_out, R"seed({
"password":"",
"data":{"reg": 1}
})seed"},
                             {"Seed000_0x54", "0x54", Read::carried_out, R"seed({
"password":"",
"data":{
" version ": "100" --- Version number（digital string is used) 
}
})seed"},
                             {"Seed000_0x55", "0x55", Read::carried_out, R"seed({
"password":"",
"data":{
"fota": 1 -- 0 off/ 1 on（int type）
}
})seed"},
                             {"Seed000_0x56", "0x56", Read::unreadable, R"seed({
"password":"",
"data":{
{"nolog": 1} Enbale log 0 off/1 on（int type）
}
})seed"},
                             {"Seed000_0x57", "0x57", Read::unreadable, R"seed({
"password":"",
"data":{
{" service_acquire"：0}
}
})seed"},
                             {"Seed000_0x58", "0x58", Read::unreadable, R"seed({"password": ""
"data":{
"uconf": {
"0": {
"baudrate": "115200",
"databits": "8",
"parity": "0",
"stopbits": "1",
"flowctl": "0"
}
}})seed"},
                             {"Seed000_0x59", "0x59", Read::unreadable, R"seed({"password":"",
"data":{
"conf":"1": {
"protocol": "aliyun",
"type": "mos",
"keepAlive": "",
"clientID": "0",
"Devicename": "ec600n",
"ProductKey": "gbh26bFEA4M",
"DeviceSecret": "b7ff5acc0671d40adfd0eff57e7605f6",
"ProductSecret": "",
"cleanSession": true,
"qos": "1",
"subscribe": {"0": "/gbh26bFEA4M/ec600n/user/subtest"},
"publish": {"0": "/gbh26bFEA4M/ec600n/user/pubtest"},
"serialID": "0"}
}})seed"},
                             {"Seed000_0x60", "0x60", Read::carried_out, R"seed({
"password":" ",
"data":{"apn": ["", "", ""]}
})seed"},
                             {"Seed000_0x61", "0x61", Read::carried_out, R"seed({"password": " ",
"data":{"pins":[
"pio2", -- GPIO for network LED (pio1~pio128)
"pio4", -- GPIO used to notify that the server has been attached (pio1~pio128)
"pio4" --  GPIO GPIO used to reset DTU parameter(pio1~pio128)
]}})seed"},
                             {"Seed000_0x62", "0x62", Read::unreadable, R"seed({"password": " ",
"data":{"ota":1
})seed"},
                             {"Seed000_0x63", "0x63", Read::unreadable, R"seed({"password": " ",
"data":{ Complete configuration file（omitted）
})seed"},
                             {"Seed001_4", "4", Read::carried_out, R"seed({"password": "012345",
 "cmd_code": 4,
})seed"},
                             {"Seed001_50", "50", Read::unreadable, R"seed({

"password":"",

"data":{

message: {"number":"12123123", -- 目标号码

"sms_msg:" " -- 发送短信

}
}
})seed"},
                             {"Seed001_51", "51", Read::carried_out, R"seed({
"password":" ",
"data":{"new_password": "012345"}
})seed"},
                             {"Seed001_53", "53", Read::carried_out, R"seed({
"password":"",
"data":{"reg": 1}
})seed"},
                             {"Seed001_54", "54", Read::carried_out, R"seed({
"password":"",
"data":{
"version ": "100" --- 版本号（使用数字字符串）
}
})seed"},
                             {"Seed001_55", "55", Read::carried_out, R"seed({
"password":"",
"data":{
"fota": 1 -- 0关闭/ 1 开启（int类型）
}
})seed"},
                             {"Seed001_56", "56", Read::unreadable, R"seed({
"password":"",
"data":{
{"nolog": 1} 是否开启日志 0关闭/1打开（int类型）
}
})seed"},
                             {"Seed001_57", "57", Read::unreadable, R"seed({
"password":"",
"data":{
{" service_acquire"：0}
}
})seed"},
                             {"Seed001_58", "58", Read::unreadable, R"seed({"password": ""
"data":{
"uconf": {
"0": {
"baudrate": "115200",
"databits": "8",
"parity": "0",
"stopbits": "1",
"flowctl": "0"
}
}})seed"},
                             {"Seed001_59", "59", Read::read, R"seed({"password":"",
 "data":{
     "conf":{
         "1": {
             "protocol": "aliyun",
             "type": "mos",
             "keepAlive": "",
             "clientID": "0",
             "Devicename": "ec600n",
             "ProductKey": "gbh26bFEA4M",
             "DeviceSecret": "b7ff5acc0671d40adfd0eff57e7605f6",
             "ProductSecret": "",
             "cleanSession": true,
             "qos": "1",
             "subscribe": {"0": "/gbh26bFEA4M/ec600n/user/subtest"},
             "publish": {"0": "/gbh26bFEA4M/ec600n/user/pubtest"},
             "serialID": "0"}
}}})seed"},
                             {"Seed001_60", "60", Read::carried_out, R"seed({
"password":" ",
"data":{"apn": ["", "", ""]}
})seed"},
                             {"Seed001_61", "61", Read::carried_out, R"seed({"password": " ",
"data":{"pins":[
"1", -- 网路指示灯的GPIO (pio1~pio128)
"2", -- 与服务器连上后通知GPIO (pio1~pio128)
"3" -- 重置DTU参数的GPIO (pio1~pio128)
]}})seed"},
                             {"Seed001_62", "62", Read::unreadable, R"seed({"password": " ",
"data":{"ota":1
})seed"},
                             {"Seed001_63", "63", Read::unreadable, R"seed({"password": " ",
"data":{"dtu_config":{完整配置文件内容}
})seed"}};
// Complete as they are.
const char* const kQueryOfSeed001 = R"seed({"password": "012345",
 "cmd_code": 4,
})seed";
const char* const kRestartOfSeed001 = R"seed({ Password: "012345",

"code":255,

"data":{}

})seed";
const char* const kRestartOfSeed000 = R"seed({ Password: "012345",

"data":{}

})seed";
// With typographic quotes, brackets for what may be left out, and names in place of values.
const char* const kTemplates[] = {R"seed({“msg_id”: msg_id, “data”: “1234”[, “cmd_code”: 0X40, “topic_id”: 1]})seed",
                                  R"seed({“msg_id”: msg_id, “data”: “1234”[, “cmd_code”: 40, “topic_id”: 1]})seed"};

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}
std::string with_code(const Example& example) {
  const std::string text = example.text;
  if (text.find("cmd_code") != std::string::npos) return text;
  return "{\"cmd_code\": " + std::string(example.code) + "," + text.substr(1);
}
// They leave the password empty, or a blank.
std::string with_password(std::string text) {
  for (const char* empty : {"\"password\":\"\"", "\"password\": \"\"", "\"password\":\" \"", "\"password\": \" \""})
    text = replaced(std::move(text), empty, "\"password\":\"012345\"");
  return text;
}

struct PrintedCommands : testing::TestWithParam<Example> {
  Pty pty;
  Dtud dtud;

  // The documents' own IMEI; its last digits are the password they print.
  void start(const std::string& conf = R"("1": {"protocol": "tcp", "serialID": "1", "mode": "server"})") {
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim", "points": {"device.imei": "123456789012345"}})");
    dtud.device(R"({"uconf": {"1": {}}, "conf": {)" + conf + "}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") == "initial"; }));
  }
  static Json answer_of(TcpPeer& peer) {
    std::string answer;  // a bracket may also stand in its error
    for (const Deadline deadline; !deadline.over();) {
      answer += peer.read_until("}");
      const Json whole = parse_json(answer);
      if (!text(whole, "success").empty()) return whole;
    }
    return {};
  }
  // Each answer in turn, by what tells it: its data, or its error code.
  static std::string told(const Json& answer) {
    return number(answer, "status") == 1 ? text(answer, "data") : std::to_string(number(answer, "error_code"));
  }
  template <typename Ask>
  void check(const Example& example, Ask ask_for) {
    const std::string text = with_code(example);
    if (text != with_password(text)) {
      const Json answer = ask_for(text);
      EXPECT_EQ(number(answer, "error_code"), example.read == Read::unreadable ? 6001 : 5002) << to_json(answer);
    }
    const Json answer = ask_for(with_password(text));
    const int64_t error_code = number(answer, "error_code");
    switch (example.read) {
      case Read::carried_out:
        EXPECT_EQ(number(answer, "status"), 1) << to_json(answer);
        EXPECT_EQ(e2e::text(answer, "code"), std::to_string(std::stol(example.code, nullptr, 0))) << to_json(answer);
        break;
      case Read::read:
        EXPECT_TRUE(number(answer, "status") == 1 || error_code == 5005) << to_json(answer);
        break;
      case Read::unreadable:
        EXPECT_EQ(error_code, 6001) << to_json(answer);
    }
  }
  void line_is_silent() {
    EXPECT_FALSE(pty.ready(0)) << pty.read_for(std::chrono::milliseconds(1));
    EXPECT_EQ(number(dtud.port("1"), "tx_messages"), 0);
  }
};

TEST_P(PrintedCommands, AreReadOnTheLine) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Example& example = GetParam();
  if (with_code(example) != example.text) {  // as printed there is no code
    const Json answer = ask(pty, example.text);
    EXPECT_EQ(number(answer, "error_code"), example.read == Read::unreadable ? 6001 : 6002) << to_json(answer);
  }
  check(example, [this](const std::string& text) { return ask(pty, text); });
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(PrintedCommands, AreReadOverTcpAndNeverGoToTheLine) {
  ASSERT_NO_FATAL_FAILURE(start());
  TcpPeer server(dtud.listen_port("1"));
  check(GetParam(), [&](const std::string& text) {
    EXPECT_TRUE(server.write(text));
    return answer_of(server);
  });
  line_is_silent();
  EXPECT_EQ(dtud.stop(), 0);
}

// Without its code it is no command. All of them have a password: only what right JSON has in its data goes to the
// line.
TEST_P(PrintedCommands, ShowNoPasswordWithoutTheirCode) {
  const Example& example = GetParam();
  if (with_code(example) == example.text) GTEST_SKIP() << "it has its code";
  ASSERT_NO_FATAL_FAILURE(start());
  TcpPeer server(dtud.listen_port("1"));
  ASSERT_TRUE(server.write(with_password(example.text)));
  if (!parse_json(example.text).isEmpty()) {
    EXPECT_EQ(pty.read_until(","), "1,");
    EXPECT_NE(read_frame(pty), "");
    ASSERT_TRUE(server.write(R"({"cmd_code": 3})"));
  } else {
    const int64_t error_code = number(answer_of(server), "error_code");
    EXPECT_TRUE(error_code == 6001 || error_code == 6002) << error_code;
    ASSERT_TRUE(server.write(R"({"cmd_code": 3})"));
    line_is_silent();
  }
  EXPECT_EQ(told(answer_of(server)), "CSQ17") << "it was not answered";
  EXPECT_EQ(dtud.stop(), 0);
}

std::string name_of(const testing::TestParamInfo<Example>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Examples, PrintedCommands, testing::ValuesIn(kExamples), name_of);

using Commands20 = PrintedCommands;

TEST_F(Commands20, TheRestartIsReadAsPrinted) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto starts = [this] {
    size_t count = 0;
    const std::string log = dtud.log();
    for (size_t at = 0; (at = log.find(" runs; control socket", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(told(ask(pty, kRestartOfSeed000)), "6002") << "it has no code";
  EXPECT_EQ(told(ask(pty, kRestartOfSeed001)), "reset dtu");
  ASSERT_TRUE(eventually([&] { return starts() == 2; })) << "dtud does not come back";
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") == "initial"; }));
  TcpPeer server(dtud.listen_port("1"));
  ASSERT_TRUE(server.write(kRestartOfSeed001));
  EXPECT_EQ(told(answer_of(server)), "reset dtu");
  ASSERT_TRUE(eventually([&] { return starts() == 3; })) << "dtud does not come back";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands20, FormsThatRealServersSend) {
  ASSERT_NO_FATAL_FAILURE(start(R"("1": {"protocol": "tcp", "serialID": "1", "mode": "server"},
    "2": {"protocol": "tcp", "serialID": "1", "mode": "server", "uplink": "raw"})"));
  struct Form {
    std::string text, told;
  };
  const std::string iccid = "8999900000000000006";
  const Form forms[] = {
      {R"({"cmd_code": 0x03})", "CSQ17"},
      {R"({"cmd_code": 0X06, "password": "012345"})", iccid},
      {R"({"cmd_code": 0x0000007, "password": "012345", "data": {"adcn": 0x1}})", "1.25"},
      {R"({"cmd_code": 3.0})", "CSQ17"},
      {R"({"cmd_code": "3.0"})", "CSQ17"},
      {R"({"cmd_code": " 3 "})", "CSQ17"},
      {R"({"cmd_code": 3,})", "CSQ17"},
      {R"({"cmd_code": 7, "password": "012345", "data": {"adcn": 1,},})", "1.25"},
      {R"({"cmd_code": 61, "password": "012345", "data": {"pins": ["1", "2",]}})", "5009"},
      {R"({"cmd_code": 3})" + kNul, "CSQ17"},
      {R"({"cmd_code": 3,})" + kNul + kNul, "CSQ17"},
      {"\r\n " + std::string(R"({"cmd_code": 3})") + "\r\n", "CSQ17"},
      {kMark + R"({"cmd_code": 3})", "CSQ17"},
      {kMark + R"({cmd_code: 3,})" + kNul, "CSQ17"},
      {R"({"Password": "012345", "cmd_code": 6})", iccid},
      {R"({Password: "012345", "cmd_code": 6})", iccid},
      {R"({"code": 6, "password": "012345"})", iccid},
      {R"({"code": "0x06", "Password": "012345"})", iccid},
      {R"({"cmd_code": 6, "data": {"password": "012345"}})", iccid},
      {R"({"cmd_code": 6, "data": {"Password": "012345"}})", iccid},
      {R"({"cmd_code": 6, "data": "{\"password\": \"012345\"}"})", iccid},
      {R"({"cmd_code": 7, "data": {"password": "012345", "adcn": 1}})", "1.25"},
      {R"({"cmd_code": 6, "data": {"password": "guess"}})", "5002"},
      {R"({"cmd_code": 6, "password": "guess", "data": {"password": "012345"}})", "5002"},
      {R"({"cmd_code": 51, "data": {"password": "012345", "new_password": "012345"}})", ""},
      {R"({"cmd_code": 51, "data": {"password": "654321"}})", "5001"},
      {R"({"cmd_code": 63, "data": {"password": "654321"}})", "5001"},
      {"{\"cmd_code\": 3 // signal\n}", "CSQ17"},
      {"{\"cmd_code\": 3 -- signal\r\n}", "CSQ17"},
      {R"({"cmd_code": 0x})", "6001"},
      {R"({"cmd_code": 3,,})", "6001"},
      {R"({"cmd_code": 1e1})", "5005"},
      {R"({"cmd_code": 3.5})", "5005"},
      {R"({"cmd_code": "\x"})", "6001"},
      {"{\"cmd_code\": 3, \"data\": \"\xff\"}", "6001"},
      {kTemplates[0], "6001"},
      {kTemplates[1], "6001"},
      {kQueryOfSeed001, "DOCUMENT"},
  };
  TcpPeer one(dtud.listen_port("1")), two(dtud.listen_port("2"));
  const std::string right = R"({"cmd_code": 6, "password": "012345"})";  // five wrong ones in a row would lock
  int64_t answers = 0;
  for (const Form& form : forms) {
    SCOPED_TRACE(form.text);
    const auto is_told = [&](const Json& answer) {
      EXPECT_EQ(form.told == "DOCUMENT" ? text(answer, "data.uconf") != "" ? "DOCUMENT" : "" : told(answer), form.told)
          << to_json(answer);
    };
    is_told(ask(pty, form.text));
    EXPECT_EQ(told(ask(pty, right)), iccid);
    answers += 2;
    for (TcpPeer* peer : {&one, &two}) {
      ASSERT_TRUE(peer->write(form.text));
      is_told(answer_of(*peer));
      ASSERT_TRUE(peer->write(right));
      EXPECT_EQ(told(answer_of(*peer)), iccid);
    }
  }
  EXPECT_EQ(number(dtud.port("1"), "tx_messages"), answers) << "something else went to the line";
  EXPECT_EQ(dtud.stop(), 0);
}

// A stream has no messages: a command with a mistake must not take the next one with it.
TEST_F(Commands20, GoodOnesBehindABadOneAreCarriedOut) {
  ASSERT_NO_FATAL_FAILURE(start());
  TcpPeer server(dtud.listen_port("1"));
  const std::string bad_ones[] = {R"({"cmd_code": 4, "password": "012345" "data": {}})",
                                  R"({"cmd_code": 4,, "password": "012345"})",
                                  R"({"cmd_code": four, "password": "012345"})",
                                  R"({"cmd_code": 4, "password": "012345")",
                                  R"({"cmd_code": 4, "data": {"password": "012345"})",
                                  R"({"cmd_code": 4, "password": "012345",)",
                                  R"({"cmd_code": 4, "password: "012345"})",
                                  R"({"cmd_code": 4, "password": "012345})",
                                  R"("cmd_code": 4, "password": "012345"})",
                                  R"(cmd_code=4 password=012345)",
                                  R"({"cmd_code": tru}, "password": 012345})"};
  const std::string good = R"({"msg_id": 7, "cmd_code": 3})";
  constexpr size_t kCut = 14;  // within each
  for (const std::string& bad : bad_ones)
    for (const std::string& between : {std::string(), std::string("\n"), kNul})
      for (const bool whole : {true, false}) {
        SCOPED_TRACE(bad + between + (whole ? "" : ", in two pieces"));
        if (!whole && bad[0] != '{') continue;  // nothing tells where such text ends
        const std::string text = bad + between + good + good;
        ASSERT_TRUE(server.write(text.substr(0, whole ? text.size() : kCut)));
        if (!whole) {
          const int64_t came = number(dtud.channel("1"), "rx_bytes");
          ASSERT_TRUE(eventually([&] { return number(dtud.channel("1"), "rx_bytes") >= came; }));
          ASSERT_TRUE(server.write(text.substr(kCut)));
        }
        EXPECT_EQ(told(answer_of(server)), "6001");
        EXPECT_EQ(told(answer_of(server)), "CSQ17");
        EXPECT_EQ(told(answer_of(server)), "CSQ17");
      }
  line_is_silent();
  EXPECT_EQ(dtud.stop(), 0);
}

// Its end comes after it was answered: no part of it goes to the line, and what follows is data and commands again.
TEST_F(Commands20, TheLateRestOfABadOneIsDropped) {
  ASSERT_NO_FATAL_FAILURE(start());
  TcpPeer server(dtud.listen_port("1"));
  ASSERT_TRUE(server.write(R"({"msg_id": 7, "cmd_code": 4, )"));
  EXPECT_EQ(told(answer_of(server)), "6001");
  ASSERT_TRUE(server.write(R"("password": "012345"}words)"));
  EXPECT_EQ(pty.read_until(","), "1,");
  EXPECT_EQ(read_frame(pty), "words");
  EXPECT_EQ(number(dtud.port("1"), "dialect_drops.late"), 1);

  ASSERT_TRUE(server.write(R"({"cmd_code": "4, "password": "012345)"));
  EXPECT_EQ(told(answer_of(server)), "6001");
  ASSERT_TRUE(server.write(R"(345"} {"cmd_code": 3}words)"));
  EXPECT_EQ(told(answer_of(server)), "CSQ17");
  EXPECT_EQ(pty.read_until(","), "1,");
  EXPECT_EQ(read_frame(pty), "words");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands20, ABrokenStringHidesNoCommandBehindIt) {
  ASSERT_NO_FATAL_FAILURE(start());
  TcpPeer server(dtud.listen_port("1"));
  for (const char* text : {R"({"cmd_code": "0}{"cmd_code": 3})", R"({"cmd_code": "0} {"cmd_code": 3})",
                           "{\"cmd_code\": \"0}\n{\"cmd_code\": 3}"}) {
    SCOPED_TRACE(text);
    ASSERT_TRUE(server.write(text));
    EXPECT_EQ(told(answer_of(server)), "6001");
    EXPECT_EQ(told(answer_of(server)), "CSQ17");
  }
  line_is_silent();
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands20, DataBesideACommandIsStillData) {
  ASSERT_NO_FATAL_FAILURE(start());
  TcpPeer server(dtud.listen_port("1"));
  ASSERT_TRUE(server.write(R"(words {"cmd_code": 3} more)"));
  EXPECT_EQ(told(answer_of(server)), "CSQ17");
  for (const char* words : {"words ", " more"}) {
    EXPECT_EQ(pty.read_until(","), "1,");
    EXPECT_EQ(read_frame(pty), words);
  }
  ASSERT_TRUE(server.write(R"({"data": "x"}{"cmd_code": 0x03}{"data": "{\"cmd_code\": 3}"})"));
  EXPECT_EQ(told(answer_of(server)), "CSQ17");
  for (const char* data : {"x", R"({"cmd_code": 3})"}) {
    EXPECT_EQ(pty.read_until(","), "1,");
    EXPECT_EQ(read_frame(pty), data);
  }
  // Each is data as it was before.
  for (const std::string& data : {std::string(R"({"a": 0x10})"), std::string(R"({"a": 1,})"), "{\"a\": 1}" + kNul,
                                  kMark + "{}", std::string("a password and a code")}) {
    ASSERT_TRUE(server.write(data));
    EXPECT_EQ(pty.read_until(","), "1,");
    EXPECT_EQ(read_frame(pty), data);
  }
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
