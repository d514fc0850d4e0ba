#include <dtu/kit/tls/session.hpp>
#include <dtu/sdk/text.hpp>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace tls {
namespace {

using testing::HasSubstr;

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "tls-context-XXXXXX").string();
  Folder() { EXPECT_NE(::mkdtemp(path.data()), nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

// Whoever stopped the channel waited for its worker, which waited for somebody to write into the pipe: dtud stood
// still.
TEST(TlsContext, APipeInThePlaceOfAFileHoldsNobodyUp) {
  const Folder folder;
  const std::string pipe = folder.path + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Settings ca, cert;
  ca.ca = pipe;
  cert.cert = pipe;
  for (const Settings& settings : {ca, cert})
    for (const auto make : {make_client_context, make_server_context}) try {
        (void)make(settings);
        ADD_FAILURE() << "it was taken";
      } catch (const dtu::Failure& failure) {
        EXPECT_THAT(failure.what(), HasSubstr(pipe + " cannot be used: it is not a regular file"));
      }
}

}  // namespace
}  // namespace tls
