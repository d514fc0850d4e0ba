// For whom a plugin asks: everybody's rights hang on it, so nothing that a request says is taken as given.
#pragma once
#include <dtu/invoke.h>

#include "commands/answer.hpp"
#include "commands/caller.hpp"

namespace dtud {

namespace commands {
class Calls;
}
namespace plugins {
class Instance;
}
namespace routing {
class Router;
}

// DTU_OK, and who asks. Otherwise what to answer; a request that names somebody `asker` cannot ask for is a fault of
// its plugin. Main lane.
[[nodiscard]] commands::Answer resolve_caller(const plugins::Instance& asker, const dtu_request& request,
                                              const routing::Router& router, const commands::Calls& calls,
                                              commands::Caller& caller);

}  // namespace dtud
