// The C tables of a stand-in: each function finds its proxy and has it say the call.
#pragma once
#include "plugins/isolation/isolation.hpp"

namespace dtud::plugins::isolation {

// create, ops and the tables of the interfaces dtud knows. Interfaces it does not know are left out: nobody can call
// them from here. So is flush.
void fill_tables(const LoadedComponent& of, StandIn& to);

}  // namespace dtud::plugins::isolation
