// What dtud says, frame by frame.
#pragma once
#include "plugins/isolation/frame.hpp"

namespace dtud::host {

class Bridge;

// Does what a frame says. False: it cannot be, and nothing was done.
[[nodiscard]] bool obey(Bridge& bridge, plugins::isolation::Frame type, plugins::isolation::Reader& in);

}  // namespace dtud::host
