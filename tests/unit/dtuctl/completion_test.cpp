#include "fixture.hpp"

namespace dtuctl::test {
namespace {

class CompletionTest : public DtuctlTest {
 protected:
  void SetUp() override {
    answer("commands", R"([{"name": "radio.csq", "title": "Signal"}, {"name": "radio.rssi"}, {"name": "sms.send"}])");
    answer("points", R"([{"name": "adc.0"}, {"name": "device.imei", "title": "IMEI"}])");
    answer("events", R"([{"name": "sms.received", "title": "A text message came"}, {"name": "config.applied"}])");
    answer("ports", R"([{"id": "1", "device": "/dev/ttyS1"}, {"id": "2"}])");
    answer("channels", R"([{"id": 1, "type": "tcp"}])");
    answer("plugins", R"([{"components": [{"type": "mqtt", "title": "MQTT"}, {"type": "linux"}]}])");
    running_.emplace(options(), backend_);
    setup_.environment = {"DTUKIT_SOCKET=" + socket_};
  }
  std::string candidates(std::vector<std::string> words) {
    words.insert(words.begin(), {DTUCTL, "__complete"});
    return run(words, setup_).out;
  }
  // What bash offers when Tab is pressed at the end of the line.
  std::string bash(const std::string& line) {
    const std::string program = DTUCTL;
    Process::Setup setup = setup_;
    setup.environment.push_back("PATH=" + program.substr(0, program.rfind('/')) + ":/usr/bin:/bin");
    return run({"/bin/bash", "-c",
                "source <(dtuctl completion bash); COMP_LINE=$1; COMP_POINT=${#1}; _dtuctl; "
                "printf '%s\\n' \"${COMPREPLY[@]}\"",
                "bash", line},
               setup)
        .out;
  }
  Process::Setup setup_;
};

TEST_F(CompletionTest, NamesOfInstancesWordByWord) {
  answer("status", R"({"instances": [{"name": "hal sim", "state": "up"}, {"name": "channel 1", "state": "failed"},
    {"name": "channel 12", "state": "up"}]})");
  EXPECT_THAT(candidates({"plugins", ""}), HasSubstr("retry\ttry a refused plugin or a stopped instance again\n"));
  EXPECT_EQ(candidates({"plugins", "retry", ""}), "hal\tup\nchannel\tfailed\n");
  EXPECT_EQ(candidates({"plugins", "retry", "channel", "1"}), "1\tfailed\n12\tup\n");
}

TEST_F(CompletionTest, SubcommandsAndOptions) {
  EXPECT_EQ(candidates({"pl"}), "plugins\tplugin files and what they offer\n");
  EXPECT_THAT(candidates({""}), testing::AllOf(HasSubstr("status\t"), HasSubstr("config\t"), HasSubstr("tap\t")));
  EXPECT_EQ(candidates({"config", "c"}), "check\tcheck a device document\nconfirm\tkeep a change that is on trial\n");
  EXPECT_EQ(candidates({"tap", "--pc"}),
            "--pcapng\talso write a Wireshark capture (link type USER0; - is standard output)\n");
  EXPECT_EQ(candidates({"status", "--js"}), "--json\tprint the JSON of dtud unchanged, for programs\n");
  EXPECT_EQ(candidates({"status", "--pc"}), "");
  EXPECT_EQ(candidates({"completion", ""}), "bash\nzsh\nfish\n");
}

TEST_F(CompletionTest, LiveNames) {
  EXPECT_EQ(candidates({"call", "radio."}), "radio.csq\tSignal\nradio.rssi\n");
  EXPECT_EQ(candidates({"read", ""}), "adc.0\ndevice.imei\tIMEI\n");
  EXPECT_EQ(candidates({"write", "a"}), "adc.0\n");
  EXPECT_EQ(candidates({"events", "s"}), "sms.received\tA text message came\n");
  EXPECT_EQ(candidates({"write", "adc.0", ""}), "");
  EXPECT_EQ(candidates({"tap", ""}), "all\tevery port and channel\nport:1\t/dev/ttyS1\nport:2\nchannel:1\ttcp\n");
  EXPECT_EQ(candidates({"--json", "inspect", "m"}), "mqtt\tMQTT\n");
}

TEST_F(CompletionTest, FilesAndTheSocketOption) {
  EXPECT_EQ(candidates({"config", "check", ""}), ":files\n");
  EXPECT_EQ(candidates({"tap", "all", "--pcapng", ""}), ":files\n");
  EXPECT_EQ(candidates({"tap", "all", "--count", ""}), "");
  setup_.environment.clear();
  EXPECT_EQ(candidates({"--socket", socket_, "call", "sms"}), "sms.send\n");
  EXPECT_EQ(candidates({"--socket=" + socket_, "call", "sms"}), "sms.send\n");
}

TEST_F(CompletionTest, WithoutDtudItIsSilent) {
  setup_.environment = {"DTUKIT_SOCKET=" + dir_.file("none")};
  const Result r = run({DTUCTL, "__complete", "read", ""}, setup_);
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.out + r.err, "");
}

TEST_F(CompletionTest, Bash) {
  EXPECT_EQ(bash("dtuctl me"), "metrics\n");
  EXPECT_EQ(bash("dtuctl call radio.c"), "radio.csq\n");
  EXPECT_EQ(bash("dtuctl config "), "show\ncheck\nset\nunset\nreload\nhistory\ndiff\nrollback\nconfirm\n");
  EXPECT_EQ(bash("dtuctl tap port:"), "1\n2\n");  // bash keeps what stands before the colon
  EXPECT_EQ(bash("dtuctl tap p"), "port:1\nport:2\n");
  EXPECT_EQ(bash("dtuctl config check " + dir_.file("contr")), dir_.file("control.sock") + "\n");
}

TEST_F(CompletionTest, TheScriptsAreThePackagedFiles) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    std::ifstream in(std::string(COMPLETION_DIR) + "/dtuctl." + shell);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(run({DTUCTL, "completion", shell}).out, text);
  }
}

}  // namespace
}  // namespace dtuctl::test
