// Verifies the files of a spool without a Spool: reads only, any file, any user. For `dtuctl spool check` and tests.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spool/disk.hpp"
#include "spool/trouble.hpp"

namespace dtud::spool {

struct Damage {
  uint64_t offset = 0, size = 0;  // bytes of the file
  uint64_t records = 0;           // messages destroyed, as far as the file tells
  std::string text;               // "a commit cannot be read"
};

struct CheckReport {
  enum class Kind {
    segment,  // one of ours
    spare,    // one that is kept to be used again: its contents do not count
    newer,    // ours, but of a format version this program does not know
    other     // no file of a spool, or its beginning is destroyed and no commit in it is whole
  };

  std::string file;
  Trouble trouble;  // it could not be read (to its end)
  Kind kind = Kind::other;
  uint64_t size = 0;
  bool header = false;   // the segment's header is unharmed
  uint32_t version = 0;  // of the format
  uint64_t first = 0;    // sequence number the segment begins with
  uint64_t used = 0;     // bytes up to the end of the last commit
  uint64_t commits = 0;  // with records
  uint64_t records = 0, payload = 0;
  uint64_t first_seq = 0, last_seq = 0;         // of the records; 0: there are none
  int64_t first_time_ns = 0, last_time_ns = 0;  // Unix time
  uint64_t done = 0;                            // all below it was delivered when this was last written
  bool torn = false;           // the last commit is not whole: the power went while it was written, nothing promised it
  uint64_t damages = 0;        // in all
  std::vector<Damage> damage;  // the first ones
  std::string meaning;         // for a person: "undamaged", "damaged: 2 messages lost; ..."

  [[nodiscard]] bool good() const { return !trouble && damages == 0 && (kind == Kind::segment || kind == Kind::spare); }
};

// `name` is the file's name without its folder.
[[nodiscard]] CheckReport check(File& file, std::string_view name);
// A file, or a folder: then each file in it that has a name of ours, in order.
[[nodiscard]] std::vector<CheckReport> check_path(const std::string& path);

}  // namespace dtud::spool
