#include "hal.hpp"
#include "schema.json.hpp"

using hal_ec600::Ec600Hal;

DTU_COMPONENT(ec600_hal, Ec600Hal, DTU_KIND_HAL, "ec600", "EC600 modem", schema_json, 0, dtu::points_iface<Ec600Hal>,
              dtu::commands_iface<Ec600Hal>, dtu::events_iface<Ec600Hal>);
DTU_PLUGIN("org.dtukit.hal-ec600", "0.1.0", "dtukit", "Apache-2.0", "hal:ec600", &ec600_hal);
