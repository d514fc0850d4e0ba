// Payloads in JSON on the cloud side (D7, D8).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace command_dtu {

// Appends {"msg_id":...,"data":...}. convert: data is upper-case hexadecimal. Else bytes that are not UTF-8 go as
// "data":null,"data_b64".
void append_envelope(std::string& out, uint64_t msg_id, std::string_view payload, bool convert);

// The bytes a message from the cloud has for the port: a view into `message` or into `scratch`. object: the message's
// JSON object, or "" when it is none.
[[nodiscard]] std::string_view downlink_payload(std::string_view message, std::string_view object, bool convert,
                                                std::string& scratch);

}  // namespace command_dtu
