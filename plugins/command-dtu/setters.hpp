// Commands that change the device document (52 to 63). Each is one config.change, which checks everything first.
#pragma once
#include <string_view>

#include "commands.hpp"

namespace command_dtu::setters {

// A key that is 0 or 1. data: of the answer.
void flag(Call& call, const char* key, std::string_view data);
// A key that is an object and is replaced as a whole: uconf, conf.
void map(Call& call, const char* key, std::string_view data);
void registration(Call& call);
void version(Call& call);
void apn(Call& call);
void pins(Call& call);
void ota(Call& call);
void everything(Call& call);
void password(Call& call);

}  // namespace command_dtu::setters
