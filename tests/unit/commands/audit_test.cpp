#include "commands/audit.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace dtud::commands {
namespace {

class AuditTest : public testing::Test {
 protected:
  AuditTest() {
    char name[] = "/tmp/dtukit-audit-XXXXXX";
    folder_ = ::mkdtemp(name);
    file_ = folder_ + "/audit.log";
    audit_.keep_in(file_);
  }
  ~AuditTest() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string written(const std::string& ending = "") const {
    std::ostringstream text;
    text << std::ifstream(file_ + ending).rdbuf();
    return text.str();
  }
  std::string folder_, file_;
  Audit audit_;
};

const Answer kOk{};
const Answer kWrong{DTU_E_WRONG_PASSWORD, "", "password verify error"};

TEST_F(AuditTest, QueriesStayInMemoryAndChangesGoToTheFile) {
  EXPECT_EQ(audit_.note(1, "channel 1", "radio.csq", false, kOk), "");
  EXPECT_EQ(written(), "");
  EXPECT_EQ(audit_.note(2, "channel 1", "config.change", true, kOk), "");
  EXPECT_EQ(written(), "{\"time_ns\":2,\"source\":\"channel 1\",\"command\":\"config.change\",\"result\":\"ok\"}\n");
  ASSERT_EQ(audit_.entries().size(), 2U);
  EXPECT_EQ(audit_.entries().front().command, "radio.csq");
}

TEST_F(AuditTest, GuessesAreCountedNotListed) {
  for (int i = 0; i < 1000; ++i) (void)audit_.note(i + 1, "channel 2", "config.get", false, kWrong);
  ASSERT_EQ(audit_.entries().size(), 1U);
  EXPECT_EQ(audit_.entries().back().times, 1000U);
  (void)audit_.note(2000, "channel 1", "radio.csq", false, kOk);
  const std::string text = written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find("\"times\":1000"), std::string::npos) << text;
  EXPECT_NE(text.find("wrong_password"), std::string::npos) << text;
}

TEST_F(AuditTest, NeitherMemoryNorFileGrowsWithoutBound) {
  for (int i = 0; i < 20000; ++i) (void)audit_.note(i, "channel " + std::to_string(i), "password.set", true, kOk);
  EXPECT_EQ(audit_.entries().size(), Audit::kKept);
  EXPECT_LE(std::filesystem::file_size(file_), Audit::kFileBytes);
  EXPECT_LE(std::filesystem::file_size(file_ + ".1"), Audit::kFileBytes);
  EXPECT_NE(written().find("channel 19999"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(AuditTest, AFileThatCannotBeWrittenIsSaidOnce) {
  audit_.keep_in(folder_ + "/missing/audit.log");
  EXPECT_NE(audit_.note(1, "channel 1", "password.set", true, kOk).find("No such file"), std::string::npos);
  EXPECT_EQ(audit_.note(2, "channel 2", "password.set", true, kOk), "");
}

// The main lane stood still at the first call: nobody read the FIFO.
TEST_F(AuditTest, AFifoInPlaceOfTheFileIsSaidAndNotWaitedFor) {
  std::filesystem::create_directories(folder_);
  const std::string file = folder_ + "/audit.log";
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  audit_.keep_in(file);
  EXPECT_NE(audit_.note(1, "channel 1", "password.set", true, kOk).find("cannot write " + file), std::string::npos);
  std::filesystem::remove(file);
}

// It grew without bound.
TEST_F(AuditTest, AFullFileThatCannotBeMovedAwayIsSaidAndGrowsNoMore) {
  std::filesystem::create_directories(folder_ + "/audit.log.1/full");
  const std::string file = folder_ + "/audit.log";
  std::ofstream(file) << std::string(Audit::kFileBytes, 'x');
  audit_.keep_in(file);
  EXPECT_NE(audit_.note(1, "channel 1", "password.set", true, kOk).find("cannot write " + file), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(file), Audit::kFileBytes);
}

}  // namespace
}  // namespace dtud::commands
