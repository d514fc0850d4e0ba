#include "plugins/loader/trust.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;

TEST(Trust, AFileOfOursIsTrusted) {
  const Folder folder;
  const Trust trust = check_trust(folder.file("x.so"));
  EXPECT_EQ(trust.refusal, "");
  EXPECT_EQ(trust.file, folder.path() / "x.so");
}

TEST(Trust, WritableByOthersIsRefused) {
  const Folder folder;
  const fs::path file = folder.file("x.so");
  for (const mode_t mode : {0666, 0664, 0646}) {
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    EXPECT_THAT(check_trust(file).refusal, EndsWith("chmod go-w " + file.string()));
  }
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  EXPECT_EQ(check_trust(file).refusal, "");
  ASSERT_EQ(chmod(folder.path().c_str(), 0777), 0);
  EXPECT_THAT(check_trust(file).refusal, EndsWith("chmod go-w " + folder.path().string()));
}

TEST(Trust, ALinkIsAsGoodAsWhatItLeadsToAndTheFolderItLiesIn) {
  const Folder real;
  const Folder links;
  const fs::path file = real.file("x.so");
  const fs::path link = links.path() / "link.so";
  fs::create_symlink(file, link);
  EXPECT_EQ(check_trust(link).refusal, "");
  EXPECT_EQ(check_trust(link).file, file);
  ASSERT_EQ(chmod(links.path().c_str(), 0777), 0);
  EXPECT_THAT(check_trust(link).refusal, HasSubstr(links.path().string()));
  ASSERT_EQ(chmod(links.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(real.path().c_str(), 0777), 0);
  EXPECT_THAT(check_trust(link).refusal, HasSubstr(real.path().string()));
}

TEST(Trust, OnlyRegularFilesThatExist) {
  const Folder folder;
  EXPECT_THAT(check_trust(folder.path() / "none.so").refusal, HasSubstr("cannot be opened"));
  fs::create_directory(folder.path() / "dir.so");
  EXPECT_THAT(check_trust(folder.path() / "dir.so").refusal, HasSubstr("not a regular file"));
  ASSERT_EQ(mkfifo((folder.path() / "fifo.so").c_str(), 0600), 0);
  EXPECT_THAT(check_trust(folder.path() / "fifo.so").refusal, HasSubstr("not a regular file"));
  fs::create_symlink(folder.path() / "loop.so", folder.path() / "loop.so");
  EXPECT_THAT(check_trust(folder.path() / "loop.so").refusal, HasSubstr("cannot be opened"));
}

TEST(Trust, AFolderAboveMayBeReplacedByWhoMayWriteItsOwn) {
  const Folder folder;
  const fs::path above = folder.path() / "above";
  fs::create_directories(above / "plugins");
  const fs::path file = above / "plugins" / "x.so";
  { const std::ofstream made(file); }
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  ASSERT_EQ(chmod((above / "plugins").c_str(), 0755), 0);
  ASSERT_EQ(chmod(above.c_str(), 0777), 0);
  EXPECT_THAT(check_trust(file).refusal, EndsWith("chmod o-w " + above.string()));
  for (const mode_t mode : {01777, 0775, 0755}) {
    ASSERT_EQ(chmod(above.c_str(), mode), 0);
    EXPECT_EQ(check_trust(file).refusal, "") << mode;
  }
  if (geteuid() != 0) return;  // only root can give it away
  ASSERT_EQ(chown(above.c_str(), 12345, 12345), 0);
  EXPECT_THAT(check_trust(file).refusal, EndsWith("chown root " + above.string()));
}

TEST(Trust, SomebodyElsesFileIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const Folder folder;
  const fs::path file = folder.file("x.so");
  ASSERT_EQ(chown(file.c_str(), 12345, 12345), 0);
  EXPECT_THAT(check_trust(file).refusal, EndsWith("chown root " + file.string()));
}

}  // namespace
}  // namespace dtud::plugins
