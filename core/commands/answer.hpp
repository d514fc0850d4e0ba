// The outcome of a call, and who waits for it.
#pragma once
#include <dtu/abi.h>

#include <functional>
#include <string>

namespace dtud::commands {

struct Answer {
  dtu_status status = DTU_OK;
  std::string json;            // a JSON value; "" = null
  std::string error;           // for a person; "" when status is DTU_OK
  uint32_t flags = 0;          // of the dtu_error that came along: DTU_ERR_RETRYABLE
  uint32_t protocol_code = 0;  // of that error
  uint32_t age_ms = 0;         // of a point's value: how long ago it was measured
  bool stale = false;          // its provider says that this is too long
};

using Done = std::function<void(const Answer&)>;

// "ok", "wrong_password", "not_found": what the control API shows.
[[nodiscard]] const char* name_of_status(dtu_status status);

}  // namespace dtud::commands
