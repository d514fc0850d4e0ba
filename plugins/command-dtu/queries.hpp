// Commands that ask the board or the kernel for something (0 to 13, 50, 64, 65): made of points and of commands others
// offer.
#pragma once
#include <string_view>

#include "commands.hpp"

namespace command_dtu::queries {

// The value of a point as text: IMEI, phone number, ICCID, millivolts.
void answer_text_of(Call& call, const char* point);
void answer_json_of(Call& call, const char* point);
// A command of somebody else, whose success has nothing to say.
void carry_out(Call& call, const char* command, std::string_view args);
void version(Call& call);
void signal(Call& call);
void adc(Call& call);
void gpio(Call& call);
void climate(Call& call);
void network(Call& call);
void connections(Call& call);
void diagnosis(Call& call);
// {"number","sms_msg"}, also inside "message", the text also as "data".
void sms(Call& call);

}  // namespace command_dtu::queries
