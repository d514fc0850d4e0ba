// uconf.<n>: one serial port.
#pragma once
#include "config/documents.hpp"
#include "config/json_value.hpp"
#include "config/report.hpp"

namespace dtud::config {

// `given`: uconf.<n> as the document has it, copied. Turns what other firmware writes into what the schema knows.
void mend_port(JsonObject& given);

// `normal`: what the schema made of it, without errors. `mode`: the dialect of its link.
[[nodiscard]] PortConfig read_port(const std::string& id, const Json& normal, const std::string& mode, Report& report);

// What a valid value of uconf.<n> means, as dtu_port_settings has it: a number or a word.
[[nodiscard]] uint32_t parity_of(const Json& value);
[[nodiscard]] uint32_t flow_of(const Json& value);
[[nodiscard]] uint32_t stopbits_of(const Json& value);

// "1" before "2" before "10" before "usb".
[[nodiscard]] bool port_before(const PortConfig& a, const PortConfig& b);

}  // namespace dtud::config
