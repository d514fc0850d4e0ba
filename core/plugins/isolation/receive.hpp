// What the child says, frame by frame.
#pragma once
#include "plugins/isolation/frame.hpp"

namespace dtud::plugins::isolation {

class Proxy;

// Reads the values of a frame and does what it says, if they are all there; the caller looks at in.whole(). False:
// there is no such frame. It may end the proxy.
[[nodiscard]] bool receive(Proxy& to, Frame type, Reader& in);

}  // namespace dtud::plugins::isolation
