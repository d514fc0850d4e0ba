// Where the programs under test are. Compiled into each test program, which may test another build; the rest of the
// harness is the same for all.
#include "dtud.hpp"

namespace e2e {

const std::string kDtud = E2E_DTUD, kDtuctl = E2E_DTUCTL, kPlugins = E2E_PLUGINS;

}  // namespace e2e
