// Files that must survive a power cut: replaced as a whole or not at all.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace dtud::config {

struct FileError {
  int code = 0;      // errno
  std::string text;  // "cannot write /var/lib/dtukit/dtu_config.json: no space left on device"
};

// Replaces `file` (or what it links to) by `text`: on disk when this returns. Mode 0600; the owner stays if we may
// keep it. On failure the old file is untouched. One writer at a time.
[[nodiscard]] bool write_file(const std::string& file, std::string_view text, FileError& error);

// It is gone, also after a power cut, when this returns. A file that was not there is fine.
[[nodiscard]] bool remove_file(const std::string& file, FileError& error);

// A whole regular file of at most `limit` bytes. code ENOENT: there is none (a link that leads nowhere is ENOLINK),
// EFBIG: it has more bytes.
[[nodiscard]] std::optional<std::string> read_file(const std::string& file, size_t limit, FileError& error);

}  // namespace dtud::config
