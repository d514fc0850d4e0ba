// What there is to say of a change of the device document.
#pragma once
#include <cstdint>
#include <string>

#include "config/documents.hpp"

namespace dtud {

// What became of a new document.
struct ChangeOutcome {
  bool taken = false;
  bool busy = false;          // refused, only because too many others wait
  config::Findings findings;  // of the document; those the stored one has as well are `known`
  uint64_t revision = 0;      // that is stored now
  bool stored = false;        // as a new revision: false when the document says what it said before
  uint64_t restored = 0;      // a roll-back: the revision it went back to
  std::string note;           // what whoever asked should know beside that; "" = nothing
};

// The device file as people see it.
struct DeviceFileState {
  bool edited = false;   // and not read since
  std::string refused;   // why it, or the last edit of it, is not used; "" = it is
  std::string rejected;  // the file where such an edit is kept; "" = there is none
};

// The edit that is kept there, for the history.
struct RejectedEdit {
  std::string file, why;
  int64_t time_ns = 0;
  uint64_t bytes = 0;
};

}  // namespace dtud
