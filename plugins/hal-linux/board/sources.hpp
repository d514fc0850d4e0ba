// What the kernel measures: IIO (/sys/bus/iio/devices) and hwmon (/sys/class/hwmon). Blocks: a driver may take a
// second.
#pragma once
#include <string>
#include <vector>

#include "board/config.hpp"
#include "board/tree.hpp"

namespace hal_linux {

enum class Quantity { voltage, temperature, humidity };

// One channel of one device.
struct Source {
  std::string directory;  // "/sys/bus/iio/devices/iio:device0", below the root
  std::string name;       // what the driver calls the device
  std::string label;      // what the device tree calls it; may be empty
  std::string channel;    // "voltage0", "temp1", "humidityrelative"
  bool hwmon = false;
  // False: it measures a part of the board (its processor, its disk), so it is used only if it is named.
  bool obvious = true;
  [[nodiscard]] std::string id() const { return directory.substr(directory.rfind('/') + 1); }
};

[[nodiscard]] std::vector<Source> find_sources(const Tree& tree, Quantity quantity);

// The source of `point` as the configuration has it, of those found. Throws DTU_E_UNSUPPORTED when none is mapped and
// there is none; DTU_E_IO when the one that is mapped is not there, or several fit. The text names what was looked for,
// where, and what there is.
[[nodiscard]] Source choose_source(const std::vector<Source>& found, Quantity quantity, const SourceConfig& config,
                                   const std::string& point);

// In V, Cel or %. Throws a dtu::Failure that names the file: it cannot be read, is no number, is not plausible.
[[nodiscard]] double read_source(const Tree& tree, const Source& source, Quantity quantity, double factor);

}  // namespace hal_linux
