#include "control/listener.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "fake_backend.hpp"
#include "raw_client.hpp"

namespace dtud::control::test {
namespace {

std::string failure(const std::string& path) {
  try {
    const Listener listener(path, 0660);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "";
}

TEST(Listener, MakesItsDirectoryAndItsFileWithTheMode) {
  const TempDir dir;
  const std::string path = dir.file("run/dtukit/control.sock");
  {
    const Listener listener(path, 0660);
    struct stat st {};
    ASSERT_EQ(::lstat(path.c_str(), &st), 0);
    EXPECT_TRUE(S_ISSOCK(st.st_mode));
    EXPECT_EQ(st.st_mode & 07777U, 0660U);
    EXPECT_EQ(listener.group(), st.st_gid);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Listener, ReplacesTheSocketOfADeadDtud) {
  const TempDir dir;
  const std::string path = dir.file("s");
  {
    const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  Listener listener(path, 0600);
  RawClient client(path);
  unsigned dropped = 0;
  EXPECT_TRUE(listener.accept(dropped));
  EXPECT_FALSE(listener.accept(dropped));
}

TEST(Listener, LeavesTheSocketOfALiveOneAlone) {
  const TempDir dir;
  const std::string path = dir.file("s");
  Listener first(path, 0660);
  EXPECT_EQ(failure(path), "control socket " + path + ": another dtud uses it (process " + std::to_string(::getpid()) +
                               "); stop it, or choose another socket");
  EXPECT_NO_THROW(RawClient client(path));
}

TEST(Listener, LeavesOtherFilesAlone) {
  const TempDir dir;
  const std::string path = dir.file("s");
  std::ofstream(path) << "precious";
  EXPECT_THAT(failure(path), testing::HasSubstr(path + " is a plain file, no socket: remove it"));
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST(Listener, SaysWhatIsWrongWithThePath) {
  EXPECT_THAT(failure(""), testing::HasSubstr("no path"));
  EXPECT_THAT(failure("/tmp/" + std::string(200, 'x')), testing::HasSubstr("has 205 bytes: at most 107 are allowed"));
  EXPECT_THAT(failure("/dev/null/x/control.sock"), testing::HasSubstr("cannot create the directory /dev/null/x"));
}

TEST(Listener, DoesNotRemoveTheSocketOfItsSuccessor) {
  const TempDir dir;
  const std::string path = dir.file("s");
  Listener first(path, 0660);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  const Listener second(path, 0660);
  first.close();
  EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace dtud::control::test
