#include "kernel/state_folder.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "log/file_kind.hpp"

namespace dtud {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

// Of the kernel: they have only the files that the kernel puts there, whatever the modes say.
bool holds_no_files(const std::string& folder) {
  struct statfs info {};
  return ::statfs(folder.c_str(), &info) == 0 && (info.f_type == PROC_SUPER_MAGIC || info.f_type == SYSFS_MAGIC);
}

// The same, or the first above it that is there.
std::string nearest(const std::string& folder) {
  std::filesystem::path at(folder);
  struct stat info {};
  while (at.has_relative_path() && ::lstat(at.c_str(), &info) != 0) at = at.parent_path();
  return at.string();
}

}  // namespace

FolderTrouble look_at_folder(const std::string& folder, const char* content, bool make) {
  const std::string needed = std::string(". dtud keeps its ") + content + " in a folder that it may write: ";
  struct stat info {};
  std::error_code not_made;
  if (make && ::lstat(folder.c_str(), &info) != 0) {
    std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), not_made);
    if (::mkdir(folder.c_str(), 0750) != 0 && !not_made) not_made.assign(errno, std::generic_category());
  }
  const std::string there = nearest(folder);
  const bool missing = there != folder;
  const std::string what = missing ? folder + " cannot be made: " + there : folder;
  if (::stat(there.c_str(), &info) != 0 && ::lstat(there.c_str(), &info) != 0)
    return {folder + " cannot be used: " + reason(errno) + needed + "make it, or name another one", true};
  if (!S_ISDIR(info.st_mode))
    return {what + " is " + kind_of_file(info.st_mode) + ", no folder" + needed + "move it away, or name another one",
            true};
  if (holds_no_files(there))
    return {what + " is on a file system of the kernel, which holds no other files" + needed + "name another one",
            true};
  if (::access(there.c_str(), W_OK | X_OK) == 0) {
    if (!missing || !make) return {};
    return {folder + " cannot be made: " + not_made.message() + needed + "make it, or name another one", true};
  }
  const int code = errno;
  // A flash that went bad is mounted read-only: data still goes through.
  if (code == EROFS && !missing)
    return {what + " is on a file system that is read-only: nothing is kept over a restart", false};
  if (code == EROFS)
    return {what + " is on a file system that is read-only" + needed + "make it, or name another one", true};
  if (missing && !make) return {};  // it is made by the user that dtud runs as
  const std::string user = "user " + std::to_string(::geteuid());
  return {what + " may not be written by " + user + " (" + reason(code) + ")" + needed + "give it to this user (" +
              std::to_string(info.st_uid) + " owns it), or name another one",
          make};
}

}  // namespace dtud
