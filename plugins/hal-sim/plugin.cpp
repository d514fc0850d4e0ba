#include "schema.json.hpp"
#include "sim_hal.hpp"

using hal_sim::SimHal;

DTU_COMPONENT(sim_hal, SimHal, DTU_KIND_HAL, "sim", "Simulated board", schema_json, 0, dtu::ports_iface<SimHal>,
              dtu::points_iface<SimHal>, dtu::commands_iface<SimHal>, dtu::events_iface<SimHal>);
DTU_PLUGIN("org.dtukit.hal-sim", "0.1.0", "dtukit", "Apache-2.0", "hal:sim", &sim_hal);
