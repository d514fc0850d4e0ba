// How far the present order is, or how the last one ended: a file that is replaced as a whole at every step, so that a
// dtud that starts again goes on from there.
#pragma once
#include <cstdint>
#include <string>

#include "config/state_file.hpp"
#include "upgrade/order.hpp"

namespace dtud::upgrade {

enum class Step {
  idle,         // nothing was ordered yet
  checked,      // the order is in order
  downloading,  // or waiting to
  verifying,    // the file is there
  verified,     // and is what the order says
  installing,   // the board does
  restarting,   // it is installed; the board, or dtud, starts anew
  confirming,   // the new version runs and has to prove itself
  took,         // from here on: over
  unconfirmed,  // it runs, but is not marked good: the board goes back at its next restart
  rolled_back,
  failed,
  cancelled
};
[[nodiscard]] const char* name_of(Step step);
[[nodiscard]] bool is_over(Step step);  // or was never begun

struct Record {
  uint64_t id = 0;  // orders are counted
  Order order;
  Step step = Step::idle;
  std::string error, note;
  std::string previous_version, previous_slot;  // what ran when it was ordered
  std::string checked_by;                       // "SHA-256, signature"
  std::string then;                             // after the installation: "dtud" or "board" restarts, or "none"
  std::string boot;                             // boot id of the machine when that was asked for
  std::string validator;                        // of the file at the server
  uint64_t total = 0;                           // its bytes; 0 = not known
  uint64_t synced = 0;                          // bytes that are on the disk for sure
  std::string synced_boot;                      // boot id then: in the same, the file is what it says
  bool whole = false;                           // all of it is there
  bool resumed = false;                         // it came in several parts
  bool confirmed = false, told = false;
  uint32_t starts_anew = 0, installs = 0, restarts = 0;
  int64_t spent_s = 0;  // of the time for the download
};

constexpr size_t kMostRecord = 65536;  // bytes of its file

// Throws nothing; "" or what is wrong with the file. No file, or a wrong one: an idle record.
[[nodiscard]] std::string load(config::StateFile& file, Record& record);
[[nodiscard]] bool save(config::StateFile& file, const Record& record, std::string& error);

}  // namespace dtud::upgrade
