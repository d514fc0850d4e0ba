// Who the board is: from the board file, else the device tree, else DMI.
#pragma once
#include <string>

#include "board/config.hpp"
#include "board/tree.hpp"

namespace hal_linux {

// 15 digits, the last one by Luhn's rule (3GPP TS 23.003, annex B).
[[nodiscard]] bool is_imei(const std::string& digits);

// Text, not quoted. Throws DTU_E_UNSUPPORTED naming the files that were looked for and what was wrong with them. What
// manufacturers leave in such a file ("To be filled by O.E.M.", "0") is no serial number.
[[nodiscard]] std::string serial_number(const Tree& tree, const BoardConfig& config);
[[nodiscard]] std::string model(const Tree& tree, const BoardConfig& config);
// The text of board.json, or the first line of its file. Throws when neither is given, or the file has none.
[[nodiscard]] std::string version(const Tree& tree, const BoardConfig& config);

}  // namespace hal_linux
