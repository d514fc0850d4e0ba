#include "config/history.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace dtud::config {
namespace {

std::string fresh_folder() {
  char name[] = "/tmp/dtukit-history-XXXXXX";
  return ::mkdtemp(name);
}

class HistoryTest : public testing::Test {
 protected:
  ~HistoryTest() override { std::filesystem::remove_all(folder_); }
  uint64_t add(const std::string& text, uint64_t keep = 0) {
    return history_.add({0, 5, "channel 3", "", text}, keep, error_);
  }
  const std::string folder_ = fresh_folder();
  History history_{folder_ + "/state/history"};
  FileError error_;
};

TEST_F(HistoryTest, WhatWasAddedIsThereAgain) {
  EXPECT_TRUE(history_.ids().empty());
  EXPECT_FALSE(history_.newest());
  const std::string odd = "{\"a\": \"\\u0000 \\\" \xE6\xB8\xA9\"}\n\t";
  EXPECT_EQ(add(odd), 1U) << error_.text;
  const auto revision = history_.get(1);
  ASSERT_TRUE(revision);
  EXPECT_EQ(revision->text, odd);
  EXPECT_EQ(revision->source, "channel 3");
  EXPECT_EQ(revision->time_ns, 5);
  struct stat info {};
  ASSERT_EQ(::stat((folder_ + "/state/history/00000001.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U) << "it holds secrets";
}

TEST_F(HistoryTest, WhatRanLastAndWhatARollBackRestores) {
  EXPECT_EQ(history_.ran(), 0U);
  EXPECT_EQ(add("{}"), 1U);
  EXPECT_EQ(history_.add({0, 5, "console", "", "{}", 1}, 0, error_), 2U);
  EXPECT_EQ(history_.get(1)->origin(), 1U);
  EXPECT_EQ(history_.get(2)->origin(), 1U);
  ASSERT_TRUE(history_.set_ran(2, error_)) << error_.text;
  EXPECT_EQ(history_.ran(), 2U);
  EXPECT_EQ(history_.ids(), (std::vector<uint64_t>{1, 2})) << "it is no revision";
  std::ofstream(folder_ + "/state/history/ran") << "x";
  EXPECT_EQ(history_.ran(), 0U);
}

TEST_F(HistoryTest, SixteenAreKeptAndTheGoodOneToo) {
  for (int i = 1; i <= 40; ++i) EXPECT_EQ(add("{\"version\": " + std::to_string(i) + "}", 3), static_cast<uint64_t>(i));
  const auto ids = history_.ids();
  ASSERT_EQ(ids.size(), History::kKept + 1);
  EXPECT_EQ(ids.front(), 3U);
  EXPECT_EQ(ids[1], 25U);
  EXPECT_EQ(ids.back(), 40U);
  EXPECT_EQ(history_.newest()->text, "{\"version\": 40}");
}

TEST_F(HistoryTest, DamagedAndForeignFilesAreLeftOut) {
  add("{}");
  add("{\"version\": 2}");
  std::ofstream(folder_ + "/state/history/00000002.json") << "{\"docu";
  std::ofstream(folder_ + "/state/history/notes.txt") << "x";
  std::ofstream(folder_ + "/state/history/7.json.bak") << "x";
  EXPECT_EQ(history_.ids(), (std::vector<uint64_t>{1, 2}));
  EXPECT_FALSE(history_.get(2));
  EXPECT_EQ(history_.newest()->id, 1U);
  EXPECT_EQ(add("{}"), 3U) << "a number is not used twice";
}

TEST_F(HistoryTest, AFolderThatCannotBeMadeIsSaid) {
  std::ofstream(folder_ + "/file") << "x";
  const History history(folder_ + "/file/history");
  EXPECT_EQ(history.add({}, 0, error_), 0U);
  EXPECT_NE(error_.text.find("cannot make"), std::string::npos) << error_.text;
}

TEST_F(HistoryTest, ATrialIsReadBackAndRemoved) {
  TrialFile file(folder_);
  std::string problem;
  EXPECT_FALSE(file.read(problem));
  EXPECT_EQ(problem, "");
  EXPECT_TRUE(file.remove(error_)) << "nothing to remove is fine";
  ASSERT_TRUE(file.write({4, 5, {{"channel 3"}}, 2, 7, "{\"a\": 1}"}, {}, error_));
  const auto trial = file.read(problem);
  ASSERT_TRUE(trial);
  EXPECT_EQ(trial->good, 4U);
  EXPECT_EQ(trial->tried, 5U);
  EXPECT_EQ(trial->by(), "channel 3");
  EXPECT_EQ(trial->starts, 2U);
  EXPECT_EQ(trial->since_ns, 7);
  EXPECT_EQ(trial->document, "{\"a\": 1}");
  EXPECT_TRUE(file.remove(error_));
  EXPECT_FALSE(file.read(problem));
}

TEST_F(HistoryTest, ATrialHasTheDocumentAndTheTime) {
  TrialFile file(folder_);
  std::string problem;
  for (const bool local : {true, false}) {
    ASSERT_TRUE(file.write({4, 5, {{"channel 3", 120}}, 2, 7, "{\"a\": 1}", local}, {}, error_));
    const auto trial = file.read(problem);
    ASSERT_TRUE(trial);
    EXPECT_EQ(trial->local, local);
    EXPECT_EQ(trial->senders.at(0).confirm_s, 120U);
  }
  const std::string old = R"({"good":4,"tried":5,"source":"channel 3","starts":2)";
  std::ofstream(folder_ + "/trial.json") << old + "}";
  const auto plain = file.read(problem);
  ASSERT_TRUE(plain) << problem;
  EXPECT_FALSE(plain->local);
  EXPECT_EQ(plain->senders.at(0).confirm_s, 0U);
  std::ofstream(folder_ + "/trial.json") << old + R"(,"document":"{}"})";
  const auto changed = file.read(problem);
  ASSERT_TRUE(changed) << problem;
  EXPECT_TRUE(changed->local);
}

// A second channel takes the place of the first one: what came over that one was kept, and it was cut off.
TEST_F(HistoryTest, ATrialHasAllItsSenders) {
  TrialFile file(folder_);
  std::string problem;
  ASSERT_TRUE(file.write({4, 6, {{"channel 1", 60, false}, {"channel 2", 6, true, {3, 4}}}, 2, 7, "{}"}, {}, error_));
  const auto trial = file.read(problem);
  ASSERT_TRUE(trial) << problem;
  ASSERT_EQ(trial->senders.size(), 2U);
  EXPECT_EQ(trial->by(), "channel 1 and channel 2");
  EXPECT_EQ(trial->senders[0].confirm_s, 60U);
  EXPECT_FALSE(trial->senders[0].leaves);
  EXPECT_EQ(trial->senders[1].confirm_s, 6U);
  EXPECT_TRUE(trial->senders[1].leaves);
  EXPECT_EQ(trial->senders[1].heirs, (std::vector<uint32_t>{3, 4}));
  for (const char* earlier :
       {"5", "[5]", "[{}]", R"([{"source":"channel 1","confirm_s":-1}])", R"([{"source":"channel 1","heirs":[0]}])"}) {
    std::ofstream(folder_ + "/trial.json")
        << R"({"good":4,"tried":6,"source":"channel 2","starts":0,"earlier":)" << earlier << "}";
    EXPECT_FALSE(file.read(problem)) << earlier;
    EXPECT_NE(problem, "") << earlier;
  }
}

// It was refused as damaged, although it has the document to go back to.
TEST_F(HistoryTest, ATrialOfWhatCouldNotBeStoredIsRead) {
  TrialFile file(folder_);
  std::string problem;
  ASSERT_TRUE(file.write({4, 0, {{"channel 3", 5}}, 1, 7, "{\"a\": 1}"}, {}, error_));
  const auto trial = file.read(problem);
  ASSERT_TRUE(trial) << problem;
  EXPECT_EQ(trial->tried, 0U);
  EXPECT_EQ(trial->document, "{\"a\": 1}");
}

TEST_F(HistoryTest, DocumentsOnTrialAreKnownWithoutTheTrial) {
  TrialFile file(folder_);
  std::string problem;
  EXPECT_TRUE(file.unproven(problem).empty());
  EXPECT_EQ(problem, "");
  EXPECT_EQ(digest_of("{\"a\": 1}"), digest_of("{ \"a\":1 }\n")) << "white space may have been edited";
  EXPECT_NE(digest_of("{\"a\": 1}"), digest_of("{\"a\": 2}"));
  ASSERT_TRUE(file.write({4, 5, {{"channel 3"}}, 1, 7, ""}, {{5, "channel 3", digest_of("{}")}}, error_));
  std::filesystem::remove(folder_ + "/trial.json");
  const auto known = file.unproven(problem);
  ASSERT_EQ(known.size(), 1U) << problem;
  EXPECT_EQ(known[0].revision, 5U);
  EXPECT_EQ(known[0].source, "channel 3");
  EXPECT_EQ(known[0].digest, digest_of("{}"));
  EXPECT_TRUE(file.remove(error_));
  EXPECT_TRUE(file.unproven(problem).empty());
  for (const char* text : {"{}", "[]", R"({"documents":5})", R"({"documents":[]})", R"({"documents":[{"revision":1}]})",
                           R"({"documents":[{"revision":1e999,"sha256":"x"}]})"}) {
    std::ofstream(folder_ + "/unproven.json") << text;
    EXPECT_TRUE(file.unproven(problem).empty()) << text;
    EXPECT_NE(problem.find("unproven.json is not what dtud wrote"), std::string::npos) << text << problem;
  }
}

TEST_F(HistoryTest, ProvenIsWhatIsNotMarked) {
  const auto any = [](const Revision&) { return true; };
  ASSERT_EQ(add("{}"), 1U);
  ASSERT_EQ(history_.add({0, 5, "channel 3", "", "{\"a\": 1}", 0, true}, 0, error_), 2U);
  ASSERT_EQ(history_.add({9, 5, "channel 3", "", "{}"}, 0, error_), 9U) << "not below what is asked for";
  EXPECT_TRUE(history_.get(2)->unproven);
  EXPECT_EQ(history_.proven_before(9, any)->id, 1U);
  ASSERT_TRUE(history_.set_proven(2, true, error_)) << error_.text;
  EXPECT_FALSE(history_.get(2)->unproven);
  EXPECT_EQ(history_.get(2)->text, "{\"a\": 1}");
  EXPECT_EQ(history_.proven_before(9, any)->id, 2U);
  EXPECT_EQ(history_.proven_before(9, [](const Revision& r) { return r.text == "{}"; })->id, 1U);
  EXPECT_FALSE(history_.proven_before(1, any));
  EXPECT_FALSE(history_.set_proven(3, true, error_));
}

// Issue 9, row 20: 2^63 ended every start. The file is kept, and named.
TEST_F(HistoryTest, ATrialThatIsDamagedIsSetAside) {
  const std::string name = folder_ + "/trial.json";
  for (const char* text :
       {"", "{", "[]", "{}", "\x01\x02\xff",
        R"({"good":9223372036854775808,"tried":2,"source":"channel 1","starts":0})",
        R"({"good":1,"tried":18446744073709551616,"source":"channel 1","starts":0})",
        R"({"good":1,"tried":2,"source":"channel 1","starts":-1})", R"({"good":"1","tried":2,"source":"x","starts":0})",
        R"({"good":1,"tried":2,"source":["x"],"starts":0})", R"({"good":1,"good":1,"tried":2,"source":"x","starts":0})",
        R"({"good":NaN,"tried":2,"source":"x","starts":0})", R"({"good":1e999,"tried":2,"source":"x","starts":0})"}) {
    SCOPED_TRACE(text);
    std::ofstream(name) << text;
    TrialFile file(folder_);
    std::string problem;
    EXPECT_FALSE(file.read(problem));
    EXPECT_NE(problem.find(name + " is not what dtud wrote"), std::string::npos) << problem;
    EXPECT_NE(problem.find("kept as " + name + ".rejected"), std::string::npos) << problem;
    EXPECT_FALSE(std::filesystem::exists(name));
    std::ifstream kept(name + ".rejected");
    EXPECT_EQ(std::string((std::istreambuf_iterator<char>(kept)), {}), text);
  }
}

// What cannot be read at this start is there at the next, unless there is something newer.
TEST_F(HistoryTest, ATrialThatCannotBeReadIsLeftUntilItIsReplaced) {
  const std::string name = folder_ + "/trial.json", away = folder_ + "/away";
  TrialFile file(folder_);
  ASSERT_TRUE(file.write({4, 5, {{"channel 3"}}, 2, 0, ""}, {}, error_));
  std::filesystem::rename(name, away);
  std::filesystem::create_symlink("/nonexistent/place", name);
  std::string problem;
  EXPECT_FALSE(file.read(problem));
  EXPECT_TRUE(file.unread());
  EXPECT_NE(problem.find(name + ", a link to nothing"), std::string::npos) << problem;
  EXPECT_TRUE(std::filesystem::is_symlink(name));
  ASSERT_TRUE(file.write({6, 7, {{"channel 3"}}, 0, 0, ""}, {}, error_)) << error_.text;
  EXPECT_TRUE(std::filesystem::is_symlink(name + ".rejected"));
  EXPECT_EQ(file.read(problem)->good, 6U);
}

TEST_F(HistoryTest, NumbersThatCannotBeListedAreNotGivenAgain) {
  ASSERT_EQ(add("{}"), 1U);
  const std::string folder = folder_ + "/state/history";
  std::filesystem::rename(folder, folder + ".away");
  std::ofstream(folder) << "x";
  EXPECT_EQ(add("{}"), 0U);
  std::filesystem::remove(folder);
  std::filesystem::create_symlink("/nonexistent/place", folder);
  EXPECT_EQ(add("{}"), 0U);
  std::filesystem::remove(folder);
  std::filesystem::rename(folder + ".away", folder);
  EXPECT_EQ(add("{}"), 2U);
}

TEST_F(HistoryTest, ARevisionThatIsDamagedIsToldFromOneThatIsNotThere) {
  ASSERT_EQ(add("{}"), 1U);
  const std::string name = folder_ + "/state/history/00000001.json";
  for (const char* text : {"", "[]", "{}", R"({"document":5})", R"({"time_ns":1e999,"document":"{}"})"}) {
    std::ofstream(name) << text;
    FileError error;
    EXPECT_FALSE(history_.get(1, &error)) << text;
    EXPECT_EQ(error.code, EBADMSG) << text;
  }
  std::ofstream(name) << R"({"time_ns":18446744073709551615,"document":"{}"})";
  EXPECT_TRUE(history_.get(1));
  FileError error;
  EXPECT_FALSE(history_.get(2, &error));
  EXPECT_EQ(error.code, ENOENT);
}

}  // namespace
}  // namespace dtud::config
