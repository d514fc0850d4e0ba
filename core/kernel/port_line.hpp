// The command port.line: a port otherwise than configured for a while, its signals, and what is under way at it.
#pragma once
#include "commands/answer.hpp"
#include "commands/caller.hpp"
#include "config/json_value.hpp"

namespace dtud {

class Kernel;
extern const char* const kPortLineArguments;  // a JSON Schema
void port_line(Kernel& kernel, const config::JsonObject& args, const commands::Caller& caller,
               const commands::Done& done);

}  // namespace dtud
