// The one command of the simulated board: an SMS that goes nowhere, and can be looked at.
#pragma once
#include <dtu/sdk/component.hpp>

#include <string>
#include <string_view>

namespace hal_sim {

constexpr const char* kSmsSend = "sms.send";
constexpr const char* kSmsLast = "sms.last";  // the point: {"number", "text"} of the last one, null before

dtu_command_info sms_info();

// The value of sms.last for these arguments. Throws DTU_E_INVALID naming the argument.
std::string sms_from(std::string_view args);

}  // namespace hal_sim
