// The C++17 face of the plugin ABI: header-only, compiled into the plugin, so it may change from release to release.
// Nothing here crosses the boundary but the C structs. Start with docs/plugin-guide.md or a folder in plugins/.
#pragma once
#include <dtu/sdk/component.hpp>  // Component, the interface classes, DTU_COMPONENT, DTU_PLUGIN
#include <dtu/sdk/host.hpp>       // Host, Buffer, Timer, FdWatch
