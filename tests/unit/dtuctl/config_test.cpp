#include "fixture.hpp"

namespace dtuctl::test {
namespace {

constexpr const char* kDocument =
    R"({"work_mode":"command","password":"***","conf":{"1":{"protocol":"mqtt","port":"1883"}},"list":[{"a":1},2]})";

class ConfigTest : public DtuctlTest {
 protected:
  void SetUp() override {
    answer("config", kDocument);
    for (const char* question : {"set_config", "patch_config", "reload_config"})
      answer(question, R"({"ok": true, "findings": [], "changed": ["channel 1"], "revision": 7})");
  }
  std::string file(const std::string& text) {
    const std::string path = dir_.file("conf.json");
    std::ofstream(path) << text;
    return path;
  }
  // The patch that was sent, without blanks.
  std::string sent() {
    std::string text = backend_.body_of("patch_config");
    text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\n'; }), text.end());
    return text;
  }
};

TEST_F(ConfigTest, Show) {
  answer("board", R"({"hal": []})");
  EXPECT_EQ(dtuctl({"--json", "config", "show"}).out, std::string(kDocument) + "\n");
  EXPECT_THAT(dtuctl({"config", "show"}).out, HasSubstr("{\n  \"work_mode\": \"command\",\n  \"password\": \"***\""));
  EXPECT_THAT(dtuctl({"config", "show", "--board"}).out, HasSubstr("\"hal\""));
}

// A list for a secret goes to dtud as one, which refuses it; any other text is the secret itself.
TEST_F(ConfigTest, SetOfASecret) {
  EXPECT_EQ(dtuctl({"config", "set", R"(password=["x"])"}).code, 0);
  EXPECT_EQ(sent(), R"({"password":["x"]})");
  EXPECT_EQ(dtuctl({"config", "set", "password=[x"}).code, 0);
  EXPECT_EQ(sent(), R"({"password":"[x"})");
  EXPECT_EQ(dtuctl({"config", "set", "password=123456"}).code, 0);
  EXPECT_EQ(sent(), R"({"password":"123456"})");
  EXPECT_EQ(dtuctl({"config", "set", "password=null"}).code, 0);
  EXPECT_EQ(sent(), R"({"password":null})") << "removes it, whatever is there";
  EXPECT_EQ(dtuctl({"config", "set", R"(password="null")"}).code, 0);
  EXPECT_EQ(sent(), R"({"password":"null"})");
}

TEST_F(ConfigTest, CheckPrintsFindingsWithFileAndLine) {
  answer("check_config", R"({"ok": false, "findings": [{"severity": "error", "document": "", "path": "/conf/1/port",
    "line": 12, "column": 9, "message": "70000 is not a port; 1 to 65535"}, {"severity": "warning", "path": "", "line": 0,
    "message": "nothing uses port 2"}]})");
  const std::string path = file("{}");
  const Result r = dtuctl({"config", "check", path});
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.out, path + ":12:9: error: /conf/1/port: 70000 is not a port; 1 to 65535\n" + path +
                       ": warning: nothing uses port 2\n");
  EXPECT_EQ(backend_.body_of("check_config"), "{}");
}

TEST_F(ConfigTest, CheckOk) {
  answer("check_config", R"({"ok": true, "findings": []})");
  Process::Setup setup;
  setup.input = "{\"a\": 1}";
  const Result r = dtuctl({"config", "check", "-"}, setup);
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.out, "ok: dtud accepts the document\n");
  EXPECT_EQ(backend_.body_of("check_config"), "{\"a\": 1}");
}

TEST_F(ConfigTest, SetAFileAsItIs) {
  const Result r = dtuctl({"config", "set", file("{ \"x\":1 }\n")});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.out, "changed: channel 1\n");
  EXPECT_EQ(backend_.body_of("set_config"), "{ \"x\":1 }\n");
}

TEST_F(ConfigTest, SingleValuesAreSentAsAPatch) {
  const Result r =
      dtuctl({"config", "set", "conf.1.port=1884", "uconf.1.baudrate=9600", "list.0.a=[true]", "work_mode=through"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(sent(), R"({"work_mode":"through","conf":{"1":{"port":"1884"}},"list":[{"a":[true]},2],)"
                    R"("uconf":{"1":{"baudrate":9600}}})");
}

TEST_F(ConfigTest, AnObjectReplacesTheOneThatWasThere) {
  EXPECT_EQ(dtuctl({"config", "set", R"(conf.1={"protocol":"tcp","url":"x"})"}).code, 0);
  EXPECT_EQ(sent(), R"({"conf":{"1":{"port":null,"protocol":"tcp","url":"x"}}})");
  EXPECT_EQ(dtuctl({"config", "set", "conf.1=null"}).code, 0);
  EXPECT_EQ(sent(), R"({"conf":{"1":null}})");
  EXPECT_EQ(dtuctl({"config", "set", "work_mode=command"}).code, 0);
  EXPECT_EQ(sent(), "{}");
}

TEST_F(ConfigTest, Unset) {
  EXPECT_EQ(dtuctl({"config", "unset", "conf.1.port", "list.0", "work_mode"}).code, 0);
  EXPECT_EQ(sent(), R"({"work_mode":null,"conf":{"1":{"port":null}},"list":[2]})");
  EXPECT_THAT(dtuctl({"config", "unset", "conf.2"}).err, HasSubstr("conf.2 is not set: there is no \"2\""));
  EXPECT_EQ(dtuctl({"config", "unset", "conf..2"}).code, 2);
  EXPECT_EQ(dtuctl({"config", "unset"}).code, 2);
}

TEST_F(ConfigTest, ReloadAndNotes) {
  EXPECT_EQ(dtuctl({"config", "reload"}).out, "changed: channel 1\n");
  answer("reload_config", R"({"ok": true, "findings": [{"severity": "error", "path": "/warn", "line": 2, "column": 3,
    "document": "/etc/d.json", "message": "unknown key", "known": true}], "changed": [], "note": "this ends it"})");
  EXPECT_EQ(dtuctl({"config", "reload"}).out,
            "/etc/d.json:2:3: error (stored already): /warn: unknown key\nnothing changed\nnote: this ends it\n");
  answer("roll_back 0", R"({"ok": true, "findings": [], "changed": [], "revision": 9, "restored": 4})");
  EXPECT_EQ(dtuctl({"config", "rollback"}).out, "back to revision 4, stored as revision 9\n");
  answer("reload_config", R"({"ok": true, "findings": [], "changed": [], "revision": 9, "stored": true})");
  EXPECT_EQ(dtuctl({"config", "reload"}).out, "stored as revision 9; no port and no channel had to change\n");
}

TEST_F(ConfigTest, AStringStaysAStringAndASecretNeedNotStandOnTheCommandLine) {
  Process::Setup setup;
  setup.input = "123456\n";
  EXPECT_EQ(dtuctl({"config", "set", "password=@-"}, setup).code, 0);
  EXPECT_THAT(sent(), HasSubstr(R"("password":"123456")"));
  EXPECT_EQ(dtuctl({"config", "set", "password="}).code, 0);
  EXPECT_THAT(sent(), HasSubstr(R"("password":"")"));
}

TEST_F(ConfigTest, WrongAssignments) {
  EXPECT_EQ(dtuctl({"config", "set", "a..b=1"}).code, 2);
  EXPECT_EQ(dtuctl({"config", "set", "=1"}).code, 2);
  EXPECT_EQ(dtuctl({"config", "set", "a=1", "file.json"}).code, 2);
  EXPECT_EQ(dtuctl({"config", "set", dir_.file("missing")}).code, 2);
  EXPECT_THAT(dtuctl({"config", "set", "work_mode.x=1"}).err, HasSubstr("work_mode.x: the value before \"x\""));
  EXPECT_THAT(dtuctl({"config", "set", "list.2=1"}).err, HasSubstr("one of the 2 places"));
  EXPECT_EQ(backend_.body_of("set_config"), "-");
  EXPECT_EQ(backend_.body_of("patch_config"), "-");
}

TEST_F(ConfigTest, Refused) {
  answer("patch_config",
         R"({"ok": false, "findings": [{"severity": "error", "path": "/work_mode", "line": 1, "column": 2,
    "message": "no dialect \"x\""}], "changed": []})",
         409);
  const Result r = dtuctl({"config", "set", "work_mode=x"});
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.out, "device document:1:2: error: /work_mode: no dialect \"x\"\n");
  EXPECT_EQ(r.err, "dtuctl: refused: the configuration is unchanged\n");
}

TEST_F(ConfigTest, TooLongADocumentIsNotSent) {
  const Result r = dtuctl({"config", "set", file(std::string((1U << 20U) + 1, ' '))});
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("larger than 1 MiB"));
}

}  // namespace
}  // namespace dtuctl::test
