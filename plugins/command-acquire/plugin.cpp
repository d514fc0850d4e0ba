#include <dtu/sdk.hpp>

#include "acquire.hpp"
#include "schema.json.hpp"

DTU_COMPONENT(acquire, command_acquire::Acquire, DTU_KIND_COMMAND, "acquire", "Parameters from a server", schema_json,
              0, dtu::commands_iface<command_acquire::Acquire>);

DTU_PLUGIN("org.dtukit.command-acquire", "0.1.0", "dtukit", "Apache-2.0", "command:acquire", &acquire);
