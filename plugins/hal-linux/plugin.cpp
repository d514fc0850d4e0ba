#include "hal.hpp"
#include "schema.json.hpp"

using hal_linux::LinuxHal;

DTU_COMPONENT(linux_hal, LinuxHal, DTU_KIND_HAL, "linux", "Linux board", schema_json, 0, dtu::ports_iface<LinuxHal>,
              dtu::points_iface<LinuxHal>, dtu::commands_iface<LinuxHal>, dtu::events_iface<LinuxHal>);
DTU_PLUGIN("org.dtukit.hal-linux", "0.1.0", "dtukit", "Apache-2.0", "hal:linux", &linux_hal);
