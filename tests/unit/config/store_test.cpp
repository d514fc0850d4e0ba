// Files that must survive: whole or not at all.
#include "config/store.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace dtud::config {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class Store : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "dtukit-store-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_ = pattern + "/d.json";
  }
  void TearDown() override {
    std::error_code ignored;
    fs::permissions(folder_, fs::perms::owner_all, ignored);
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string content() const {
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string folder_, file_;
  FileError error_;
};

// Root may write anywhere: these tests then go on as nobody.
class AsNobody {
 public:
  explicit AsNobody(const std::string& folder) : root_(::geteuid() == 0) {
    if (!root_) return;
    EXPECT_EQ(::chown(folder.c_str(), 65534, 65534), 0);
    EXPECT_EQ(::seteuid(65534), 0);
  }
  ~AsNobody() {
    if (root_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  bool root_;
};

TEST_F(Store, WritesAndReads) {
  ASSERT_TRUE(write_file(file_, "one", error_)) << error_.text;
  ASSERT_TRUE(write_file(file_, "two", error_)) << error_.text;
  EXPECT_EQ(read_file(file_, 100, error_), "two");
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(Store, KeepsTheOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_TRUE(write_file(file_, "one", error_));
  ASSERT_EQ(::chown(file_.c_str(), 65534, 65534), 0);
  ASSERT_TRUE(write_file(file_, "two", error_)) << error_.text;
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 65534U);
  EXPECT_EQ(info.st_gid, 65534U);
}

TEST_F(Store, FollowsALink) {
  const auto real = folder_ + "/real.json";
  ASSERT_TRUE(write_file(real, "one", error_));
  fs::create_symlink("real.json", file_);
  ASSERT_TRUE(write_file(file_, "two", error_)) << error_.text;
  EXPECT_TRUE(fs::is_symlink(file_));
  EXPECT_EQ(read_file(real, 100, error_), "two");
}

TEST_F(Store, AFolderThatMayNotBeWritten) {
  ASSERT_TRUE(write_file(file_, "old", error_));
  const AsNobody nobody(folder_);
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_FALSE(write_file(file_, "new", error_));
  EXPECT_EQ(error_.code, EACCES);
  EXPECT_EQ(error_.text, "cannot write " + file_ + ": Permission denied");
}

TEST_F(Store, AFullDiskLeavesTheOldFile) {
  ASSERT_TRUE(write_file(file_, "old", error_));
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = 4096;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const bool written = write_file(file_, std::string(10000, 'x'), error_);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  (void)std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(written);
  EXPECT_EQ(error_.code, EFBIG);
  EXPECT_THAT(error_.text, HasSubstr("cannot write " + file_ + ": File too large"));
  EXPECT_EQ(content(), "old");
  EXPECT_EQ(files(), 1U);  // nothing left behind
}

TEST_F(Store, WhatAPowerCutLeftIsReplaced) {
  std::ofstream(folder_ + "/.d.json.new") << "half a docu";
  ASSERT_TRUE(write_file(file_, "whole", error_)) << error_.text;
  EXPECT_EQ(content(), "whole");
  EXPECT_EQ(files(), 1U);
}

TEST_F(Store, NoFolderNoFile) {
  EXPECT_FALSE(write_file(folder_ + "/none/d.json", "x", error_));
  EXPECT_EQ(error_.code, ENOENT);
  EXPECT_FALSE(read_file(folder_ + "/none", 100, error_));
  EXPECT_EQ(error_.code, ENOENT);
  EXPECT_EQ(error_.text, "cannot read " + folder_ + "/none: No such file or directory");
}

TEST_F(Store, OnlyRegularFiles) {
  EXPECT_FALSE(write_file(folder_, "x", error_));
  EXPECT_FALSE(read_file(folder_, 100, error_));
  EXPECT_EQ(error_.code, EINVAL);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_FALSE(read_file(file_, 100, error_));  // and does not wait for a writer
  EXPECT_THAT(error_.text, HasSubstr("it is no regular file"));
}

TEST_F(Store, ReadsNoMoreThanTheLimit) {
  ASSERT_TRUE(write_file(file_, std::string(100, 'x'), error_));
  EXPECT_TRUE(read_file(file_, 100, error_));
  EXPECT_FALSE(read_file(file_, 99, error_));
  EXPECT_EQ(error_.code, EFBIG);
  EXPECT_THAT(error_.text, HasSubstr("it has more than 99 bytes"));
}

TEST_F(Store, AFileInTheCurrentFolder) {
  const auto before = fs::current_path();
  fs::current_path(folder_);
  EXPECT_TRUE(write_file("d.json", "x", error_)) << error_.text;
  fs::current_path(before);
  EXPECT_EQ(content(), "x");
}

}  // namespace
}  // namespace dtud::config
