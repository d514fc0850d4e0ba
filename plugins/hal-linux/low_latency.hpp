// ASYNC_LOW_LATENCY of a serial driver.
#pragma once
#include <string>

namespace hal_linux {

// "" or why the driver did not take it.
[[nodiscard]] std::string set_low_latency(int fd);

}  // namespace hal_linux
