#include "kernel/state_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace dtud {
namespace {

constexpr char kNeeded[] = "dtud keeps its state in a folder of its own, which it may write: ";

std::string reason(int code) { return std::generic_category().message(code); }

const char* kind_of(mode_t mode) {
  return S_ISREG(mode)    ? "a plain file"
         : S_ISFIFO(mode) ? "a pipe"
         : S_ISSOCK(mode) ? "a socket"
         : S_ISLNK(mode)  ? "a link to nothing"
                          : "a device";
}

// The same, or the first above it that is there.
std::string nearest(const std::string& folder) {
  std::filesystem::path at(folder);
  struct stat info {};
  while (at.has_relative_path() && ::lstat(at.c_str(), &info) != 0) at = at.parent_path();
  return at.string();
}

}  // namespace

FolderTrouble look_at_folder(const std::string& folder, bool make) {
  struct stat info {};
  if (make && ::lstat(folder.c_str(), &info) != 0) {
    std::error_code ignored;  // mkdir() fails then, too
    std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), ignored);
    (void)::mkdir(folder.c_str(), 0750);
  }
  const std::string there = nearest(folder);
  const bool missing = there != folder;
  const std::string what = missing ? folder + " cannot be made: " + there : folder;
  if (::stat(there.c_str(), &info) != 0 && ::lstat(there.c_str(), &info) != 0)
    return {folder + " cannot be used: " + reason(errno) + ". " + kNeeded + "make it, or name another one", true};
  if (!S_ISDIR(info.st_mode))
    return {what + " is " + kind_of(info.st_mode) + ", no folder. " + kNeeded + "move it away, or name another one",
            true};
  if (::access(there.c_str(), W_OK | X_OK) == 0) {
    if (!missing || !make) return {};
    return {folder + " cannot be made. " + kNeeded + "make it, or name another one", true};
  }
  const int code = errno;
  if (missing && !make) return {};  // it is made by the user that dtud runs as
  const std::string user = "user " + std::to_string(::geteuid());
  // A flash that went bad is mounted read-only: data still goes through.
  if (code == EROFS && !missing)
    return {what + " is on a file system that is read-only: nothing is kept over a restart", false};
  return {what + " may not be written by " + user + " (" + reason(code) + "). " + kNeeded + "give it to this user (" +
              std::to_string(info.st_uid) + " owns it), or name another one",
          make};
}

}  // namespace dtud
