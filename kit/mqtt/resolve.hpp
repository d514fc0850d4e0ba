// Name look-up away from the lane.
#pragma once
#include <string>
#include <vector>

namespace mqtt {

// The numeric addresses of `host`, IPv4 first. Blocks, but not longer than a few seconds per name server.
// Throws dtu::Failure that says why there is none.
std::vector<std::string> resolve(const std::string& host);

}  // namespace mqtt
