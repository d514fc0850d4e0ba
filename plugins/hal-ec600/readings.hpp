// What the lines of the modem say of its points, as JSON of docs/names.md. What a line does not say stays unknown: 99,
// 255 and "-" are no numbers (field-troubles A13). Pure functions.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hal_ec600 {

// In each: "" = unknown.
namespace readings {

std::string csq(std::string_view line);                          // +CSQ: 20,99
std::string digits(std::string_view line);                       // 861234567890123
std::string iccid(std::string_view line);                        // +QCCID: 8986012345678901234F
std::string number(std::string_view line);                       // +CNUM: "","+8613800000000",145
std::string registration(std::string_view answer);               // +CEREG: 2,1,"07D0",...
std::string registration_told(std::string_view line);            // +CEREG: 1,"07D0",...
std::string operator_name(std::string_view line);                // +COPS: 0,0,"CHINA MOBILE",7
std::string technology(std::string_view line);                   // of the same; +CEREG: 1,"07D0","009D4564",7
std::string technology_answered(std::string_view answer);        // +CEREG: 2,1,"07D0","009D4564",7
std::string battery_mv(std::string_view line);                   // +CBC: 0,75,3890
std::string battery_percent(std::string_view line);              //
std::string adc_volt(std::string_view line);                     // +QADC: 1,632
std::string temperature(const std::vector<std::string>& lines);  // +QTEMP: 31,31,30; the highest plausible

struct Signal {
  std::string rsrp, rsrq, sinr;  // dBm, dB, dB
};
Signal signal(std::string_view line);  // +QCSQ: "LTE",52,81,111,-9

// [[0, cell, MCC, MNC, PCI, TAC, EARFCN, dBm]]; what a line does not say is null.
std::string cells(const std::vector<std::string>& lines);  // +QENG: "servingcell",...

// "ready", "pin", "puk", "pin2", "puk2", "none", "busy", "failure", "locked"; "" unknown.
std::string_view sim_state(std::string_view line);  // +CPIN: SIM PIN
std::string_view sim_state_of_error(int cme);

struct Position {
  double lat = 0, lng = 0;
  std::string json;  // [lng, lat, accuracy in m]; of GNSS an object
};
std::optional<Position> locator(std::string_view line);  // +QLBS: 0,31.82,117.11,550, latitude first
std::optional<Position> gnss(std::string_view line);     // +QGPSLOC: ...; nothing: no fix that can be believed
double metres(const Position& a, const Position& b);

}  // namespace readings
}  // namespace hal_ec600
