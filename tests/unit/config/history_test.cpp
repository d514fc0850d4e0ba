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
  const TrialFile file(folder_ + "/trial.json");
  EXPECT_FALSE(file.read());
  EXPECT_TRUE(file.remove(error_)) << "nothing to remove is fine";
  ASSERT_TRUE(file.write({4, 5, "channel 3", 2, 7, "{\"a\": 1}"}, error_));
  const auto trial = file.read();
  ASSERT_TRUE(trial);
  EXPECT_EQ(trial->good, 4U);
  EXPECT_EQ(trial->tried, 5U);
  EXPECT_EQ(trial->source, "channel 3");
  EXPECT_EQ(trial->starts, 2U);
  EXPECT_EQ(trial->since_ns, 7);
  EXPECT_EQ(trial->document, "{\"a\": 1}");
  EXPECT_TRUE(file.remove(error_));
  EXPECT_FALSE(file.read());
}

}  // namespace
}  // namespace dtud::config
