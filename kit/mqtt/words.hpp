// Codes of the protocol and of Paho, in words.
#pragma once
#include <string>

namespace mqtt {

std::string connack_words(int code);  // MQTT 3.1.1: "refused the user name or password"
std::string reason_words(int code);   // MQTT 5: "not authorised (0x87)"

}  // namespace mqtt
