#include "config/document_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace dtud::config {
namespace {

std::string fresh_folder() {
  char name[] = "/tmp/dtukit-document-XXXXXX";
  return ::mkdtemp(name);
}

class DocumentFileTest : public testing::Test {
 protected:
  DocumentFileTest() { file_.set_path(path_); }
  ~DocumentFileTest() override { std::filesystem::remove_all(folder_); }
  void edit(const std::string& text) const { std::ofstream(path_, std::ios::trunc) << text; }
  static std::string content(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  const std::string folder_ = fresh_folder();
  const std::string path_ = folder_ + "/device.json";
  DocumentFile file_;
  FileError error_;
};

TEST_F(DocumentFileTest, AnEditIsNoticedUntilItIsAcceptedOrWrittenOver) {
  EXPECT_FALSE(file_.edited()) << "there is none";
  ASSERT_TRUE(file_.write("{}", error_)) << error_.text;
  EXPECT_FALSE(file_.edited());
  EXPECT_FALSE(file_.edited());
  edit("{\"a\": 1}");
  EXPECT_TRUE(file_.edited());
  EXPECT_TRUE(file_.edited());
  file_.accept(*file_.read(error_));
  EXPECT_FALSE(file_.edited());
  edit("{}");
  EXPECT_TRUE(file_.edited());
  ASSERT_TRUE(file_.write("{}", error_));
  EXPECT_FALSE(file_.edited());
  edit("{}");  // saved again, and the same
  EXPECT_FALSE(file_.edited());
  std::filesystem::remove(path_);
  EXPECT_FALSE(file_.edited());
}

TEST_F(DocumentFileTest, WhatIsRejectedIsKept) {
  EXPECT_TRUE(file_.keep_rejected(error_)) << "nothing to keep";
  EXPECT_FALSE(file_.has_rejected());
  edit("{\"a\": 1");
  ASSERT_TRUE(file_.keep_rejected(error_)) << error_.text;
  EXPECT_TRUE(file_.has_rejected());
  EXPECT_EQ(content(path_ + ".rejected"), "{\"a\": 1");
  EXPECT_EQ(content(path_), "{\"a\": 1") << "it stays until something is written";
}

TEST_F(DocumentFileTest, OneThatIsTooLongIsMovedAside) {
  edit(std::string(DocumentFile::kMost + 1, ' '));
  EXPECT_TRUE(file_.edited());
  EXPECT_FALSE(file_.read(error_));
  EXPECT_EQ(error_.code, EFBIG);
  ASSERT_TRUE(file_.keep_rejected(error_)) << error_.text;
  EXPECT_EQ(std::filesystem::file_size(path_ + ".rejected"), DocumentFile::kMost + 1);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(DocumentFileTest, WhatCannotBeKeptIsSaid) {
  edit("x");
  std::filesystem::create_directory(path_ + ".rejected");
  EXPECT_FALSE(file_.keep_rejected(error_));
  EXPECT_NE(error_.text.find(".rejected"), std::string::npos) << error_.text;
}

}  // namespace
}  // namespace dtud::config
