// What stands at a path, in words for a message.
#pragma once
#include <sys/stat.h>

namespace dtud {

// mode: of lstat(), or of stat() where it is not S_ISLNK.
inline const char* kind_of_file(mode_t mode) {
  return S_ISREG(mode)    ? "a plain file"
         : S_ISDIR(mode)  ? "a folder"
         : S_ISFIFO(mode) ? "a pipe"
         : S_ISSOCK(mode) ? "a socket"
         : S_ISLNK(mode)  ? "a link to nothing"
                          : "a device";
}

}  // namespace dtud
