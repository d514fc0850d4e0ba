// A file that dtuctl writes for another program.
#pragma once
#include <string>

namespace dtuctl {

// Replaces `file` as a whole, readable by everybody: a reader sees the old text or the new one. Throws
// Failure(kFailed).
void replace_file(const std::string& file, const std::string& text);

}  // namespace dtuctl
