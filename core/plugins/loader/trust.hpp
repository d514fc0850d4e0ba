// Whether a file may run inside dtud: plugins are trusted code, so nobody else may be able to write them.
#pragma once
#include <filesystem>
#include <string>

namespace dtud::plugins {

struct Trust {
  std::filesystem::path file;  // with symbolic links resolved; what to load
  std::string refusal;         // one line that says what to do; "" = trusted
};

// The file must be a regular one; it, its folder, and the folder of the link that led to it must belong to root or to
// the user dtud runs as, and be writable by nobody else. The folders above must belong to the same, and may be writable
// by everybody only when they are sticky.
[[nodiscard]] Trust check_trust(const std::filesystem::path& file);

}  // namespace dtud::plugins
