// The real disk: whose files it takes, and what it leaves behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "messages.hpp"
#include "spool/check.hpp"
#include "spool/disk.hpp"
#include "spool/segment.hpp"

namespace dtud::spool {
namespace {

class RealDisk : public ::testing::Test {
 protected:
  RealDisk() {
    std::string name = ::testing::TempDir() + "disk.XXXXXX";
    base_ = ::mkdtemp(name.data());
    folder_ = base_ + "/spool/3";
  }
  ~RealDisk() override { std::filesystem::remove_all(base_); }

  // A spool with ten messages; the name of its file.
  std::string stored() {
    Spool spool(*disk_, folder_, {});
    EXPECT_EQ(spool.open(0).code, 0);
    EXPECT_EQ(put(spool, 1, 10).trouble.code, 0);
    return folder_ + "/" + segment_name(1);
  }

  int opened() {
    Spool spool(*disk_, folder_, {});
    const Trouble trouble = spool.open(0);
    EXPECT_EQ(trouble.code != 0, trouble.text.find(folder_) != std::string::npos) << trouble.text;
    return trouble.code;
  }

  std::string base_, folder_;
  std::unique_ptr<Disk> disk_ = make_disk();
};

TEST_F(RealDisk, FilesAreForTheirOwnerOnly) {
  struct stat info {};
  const std::string file = stored();
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
  EXPECT_EQ(opened(), 0);
}

TEST_F(RealDisk, OneThatOthersMayWriteIsRefused) {
  const std::string file = stored();
  for (const mode_t mode : {0620U, 0602U, 0666U}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    EXPECT_EQ(opened(), EPERM) << std::oct << mode;
  }
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  EXPECT_EQ(opened(), 0);
}

TEST_F(RealDisk, AFolderThatOthersMayWriteIsRefused) {
  stored();
  ASSERT_EQ(::chmod(folder_.c_str(), 0770), 0);
  EXPECT_EQ(opened(), EPERM);
}

TEST_F(RealDisk, OneOfAnotherUserIsRefusedAndLeftAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to somebody else";
  const std::string file = stored();
  ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
  EXPECT_EQ(opened(), EPERM);
  EXPECT_EQ(std::filesystem::file_size(file), 1U << 20U);
  const auto reports = check_path(file);  // but anybody who may read it may check it
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].records, 10U);
}

TEST_F(RealDisk, WhatIsNoFileIsRefused) {
  const std::string file = stored(), other = base_ + "/other";
  std::filesystem::rename(file, other);
  ASSERT_EQ(::symlink(other.c_str(), file.c_str()), 0);
  EXPECT_EQ(opened(), EPERM);
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_EQ(opened(), EPERM);
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_EQ(opened(), EPERM);
}

TEST_F(RealDisk, ReservesBlocksAndShrinks) {
  ASSERT_EQ(disk_->make_folder(folder_), 0);
  int error = 0;
  const auto file = disk_->open(folder_ + "/x", true, error);
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(file->reserve(65536), 0);
  EXPECT_EQ(file->size(), 65536U);
  ASSERT_EQ(file->write_at(65000, "hello"), 0);
  char bytes[8] = {};
  EXPECT_EQ(file->read_at(65000, bytes, 5), 5);
  EXPECT_EQ(std::string(bytes), "hello");
  EXPECT_EQ(file->read_at(65534, bytes, 5), 2);
  ASSERT_EQ(file->reserve(10), 0);
  EXPECT_EQ(file->size(), 10U);
  EXPECT_EQ(file->sync(), 0);
  EXPECT_EQ(disk_->open(folder_ + "/x", true, error), nullptr);
  EXPECT_EQ(error, -EEXIST);
  EXPECT_EQ(disk_->open(folder_ + "/y", false, error), nullptr);
  EXPECT_EQ(error, -ENOENT);
  EXPECT_GT(disk_->space(folder_).total, 0U);
}

TEST_F(RealDisk, AFileWhereTheFolderShouldBeIsSaid) {
  std::ofstream(base_ + "/spool") << "x";
  Spool spool(*disk_, folder_, {});
  EXPECT_EQ(spool.open(0).code, ENOTDIR);
  EXPECT_EQ(put(spool, 1, 1).trouble.code, ENOTDIR);
}

TEST_F(RealDisk, CheckOfAFolderTakesOurFilesInOrder) {
  stored();
  std::ofstream(folder_ + "/notes.txt") << "x";
  const auto reports = check_path(folder_);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].good());
  EXPECT_EQ(check_path(folder_ + "/notes.txt")[0].kind, CheckReport::Kind::other);
  EXPECT_EQ(check_path(folder_ + "/none")[0].trouble.code, ENOENT);
  EXPECT_EQ(check_path("/dev/null")[0].trouble.code, EINVAL);
}

}  // namespace
}  // namespace dtud::spool
