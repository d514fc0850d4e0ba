// Is the file what the order says, and signed by who may?
#pragma once
#include "said.hpp"

namespace dtu_fetch {

// `job`: {"file", "size"?, "sha256"?, "md5"?, "keys": [], "signature"?, "signature_file"?}. With keys a signature by
// one of them is needed. "done" has "checked": ["sha256", "signature"], and the "size" and "sha256" of the file, for
// its installer.
void verify(const Object& job);

}  // namespace dtu_fetch
