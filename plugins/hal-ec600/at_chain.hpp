// Exchanges that belong together: one behind the other, with nothing in between. The first that fails ends the chain.
// [lane]
#pragma once
#include <functional>
#include <vector>

#include "at_engine.hpp"

namespace hal_ec600 {

// Gets the answers of all that ran; the last one says how it ended. There is always one.
using AtChainDone = std::function<void(const std::vector<AtResult>&)>;

// Submits the steps, which have no done(). When the engine refuses the first, `done` is called within this call.
void run_chain(AtEngine& engine, std::vector<AtExchange> steps, AtChainDone done, AtPlace place = AtPlace::last);

}  // namespace hal_ec600
