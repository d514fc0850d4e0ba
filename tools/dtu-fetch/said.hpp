// What dtud is told: one JSON object a line on standard output. `say` is "begin", "bytes", and last of all one of
// "done", "failed", "stopped".
#pragma once
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <string>

namespace dtu_fetch {

using Object = Poco::JSON::Object;

[[nodiscard]] Object::Ptr line(const char* say);
// The program ends when nobody reads it.
void tell(const Object::Ptr& line);

struct Failed {
  std::string text;
  bool again = false;       // another try may help
  bool from_start = false;  // what is there is worth nothing
  uint64_t retry_after_s = 0;
};
void tell(const Failed& failed);

}  // namespace dtu_fetch
