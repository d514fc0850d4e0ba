// Whether a folder can hold what dtud keeps.
#pragma once
#include <string>

namespace dtud {

struct FolderTrouble {
  std::string text;    // what it is, and what is needed; "" = the folder can be used
  bool fatal = false;  // else dtud runs, and keeps nothing there
};

// content: what dtud keeps in it, for the text: "state". make: a folder that is missing is made, with those above it.
// Else (dtud --check, as another user perhaps) it only looks whether it could be.
[[nodiscard]] FolderTrouble look_at_folder(const std::string& folder, const char* content, bool make);

}  // namespace dtud
