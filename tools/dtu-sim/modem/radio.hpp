// The SIM and the network, as commands, scripts and a start change them: the lines that follow are printed here.
#pragma once
#include <string>

#include "modem.hpp"

namespace sim::modem {

// Why a command that needs the SIM fails: a +CME ERROR number (+CMS with `messages`), or 0.
[[nodiscard]] int missing_sim(Modem&, bool messages);
// What AT+CPIN? tells: "READY", "SIM PIN", "SIM PUK"; "" when it is an error.
[[nodiscard]] std::string sim_code(const SimCard&);
// With the lines that a module prints: +CPIN, +QUSIM, and the network that is lost or found.
void set_sim(Modem&, SimState);
// The registration of one domain as the network gives it; -1: of all three.
void set_registration(Modem&, int domain, int stat);
void set_csq(Modem&, int csq);
// Radio or SIM changed: the registrations become what they must be.
void refresh_registration(Modem&);
// "+CEREG: 1" or "+CEREG: 2,1,…": what AT+CREG? and its like print, and the unsolicited form.
[[nodiscard]] std::string registration_line(Modem&, int domain, bool unsolicited);
[[nodiscard]] bool is_registered(const State&);

}  // namespace sim::modem
