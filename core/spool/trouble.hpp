// What went wrong with a file, for a person; empty when nothing did.
#pragma once
#include <string>

namespace dtud::spool {

struct Trouble {
  int code = 0;      // errno; EOVERFLOW: written by a newer dtud, EPERM: belongs to somebody else
  std::string text;  // "cannot write /var/lib/dtukit/spool/3/0000000000000001.seg: No space left on device"
  explicit operator bool() const { return code != 0; }
};

}  // namespace dtud::spool
