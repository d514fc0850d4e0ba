// SMS-DELIVER messages (3GPP TS 23.040) as a module prints them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sim::modem {

// The PDUs of a text, in hexadecimal with the centre's address in front: the GSM alphabet if it has every character,
// else UCS-2; more than one part (with `reference`) when it is long. `text` is UTF-8; throws std::invalid_argument when
// it is not, or the sender has more than 20 digits.
[[nodiscard]] std::vector<std::string> deliver_pdus(std::string_view sender, std::string_view text, uint8_t reference);

}  // namespace sim::modem
