// The place by cells (AT+QLBS) and by GNSS (AT+QGPS).
#include <array>
#include <cmath>
#include <cstdio>

#include "radio.hpp"
#include "table.hpp"

namespace sim::modem {
namespace {

constexpr int64_t kQlbsMs = 30;
constexpr int kNoAnswer = 702;  // also without an active context
constexpr int kNoToken = 10002;

std::string fixed(double value, int decimals) {
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), "%.*f", decimals, value);
  return out.data();
}

// Names are compared without case, as the module does, and printed in its own.
std::string option_name(const Location& location, const std::string& given) {
  for (const auto& [name, value] : location.options)
    if (upper(name) == upper(given)) return name;
  return "";
}

void qlbscfg(Modem& modem, const Call& call, Answer& answer) {
  Location& location = modem.state().location;
  const bool reads = call.arguments.size() < 2;
  if (upper(call.text(0)) == "TOKEN") {
    constexpr size_t kToken = 16;
    if (reads) return answer.line(std::string("+QLBSCFG: \"token\",\"") + (location.token.empty() ? "" : "*") + "\"");
    if (call.text(1).size() != kToken) return answer.cme(kCmeParameter);
    location.token = call.text(1);
    return;
  }
  const std::string name = option_name(location, call.text(0));
  if (name.empty()) return answer.cme(kCmeParameter);
  std::string& value = location.options[name];
  const bool quoted = name == "server";
  if (reads) return answer.line("+QLBSCFG: \"" + name + "\"," + (quoted ? "\"" + value + "\"" : value));
  if (!quoted && !call.number(1, 0, 120)) return answer.cme(kCmeParameter);
  value = call.text(1);
}

int qlbs_code(Modem& modem) {
  const State& state = modem.state();
  const auto context = state.contexts.find(std::stoi(state.location.options.at("contextid")));
  if (context == state.contexts.end() || !context->second.active) return kNoAnswer;
  if (state.location.token.empty()) return kNoToken;
  return state.location.code;
}

void qlbs(Modem& modem, const Call& /*call*/, Answer& answer) {
  const Location& location = modem.state().location;
  const int code = qlbs_code(modem);
  std::string line = "+QLBS: " + std::to_string(code);
  if (code == 0) {
    const std::string latitude = fixed(location.latitude, 6);
    const std::string longitude = fixed(location.longitude, 6);
    const bool latitude_first = location.options.at("latOrder") == "1";
    line += "," + (latitude_first ? latitude + "," + longitude : longitude + "," + latitude) + "," +
            std::to_string(location.accuracy);
    if (location.options.at("withTime") == "1") line += ",\"2026/11/30,12:00:00\"";
  }
  if (location.options.at("asynch") == "1") return answer.after(kQlbsMs, [line](Modem& m) { m.urc(line); });
  answer.delay_ms = kQlbsMs;
  answer.line(line);
  if (code == kNoAnswer) answer.error();
}

// ---------------------------------------------------------------- GNSS

void gps_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line(std::string("+QGPS: ") + (modem.state().location.gnss.on ? "1" : "0"));
}

void gps_on(Modem& modem, const Call& call, Answer& answer) {
  Gnss& gnss = modem.state().location.gnss;
  if (!call.number(0, 1, 4)) return answer.cme(kCmeParameter);
  if (gnss.on) return answer.cme(kCmeGnssOn);
  gnss.on = true;
  gnss.on_since_ms = modem.now_ms();
  gnss.false_left = gnss.false_fixes;
}

void gps_off(Modem& modem, const Call& /*call*/, Answer& answer) {
  Gnss& gnss = modem.state().location.gnss;
  if (!gnss.on) return answer.cme(kCmeGnssOff);
  gnss.on = false;
}

// 2259.0881S for format 0, 22.984801 with its sign for format 2.
std::string degrees(double value, bool latitude, int format) {
  if (format == 2) return fixed(value, 5);
  const double whole = std::floor(std::fabs(value));
  const double minutes = (std::fabs(value) - whole) * 60;
  const char* side = latitude ? (value < 0 ? "S" : "N") : (value < 0 ? "W" : "E");
  std::array<char, 32> out{};
  if (format == 1)
    std::snprintf(out.data(), out.size(), latitude ? "%02.0f%09.6f,%s" : "%03.0f%09.6f,%s", whole, minutes, side);
  else
    std::snprintf(out.data(), out.size(), latitude ? "%02.0f%07.4f%s" : "%03.0f%07.4f%s", whole, minutes, side);
  return out.data();
}

void gps_location(Modem& modem, const Call& call, Answer& answer) {
  Location& location = modem.state().location;
  Gnss& gnss = location.gnss;
  const auto format = call.number(0, 0, 2, 0);
  if (!format) return answer.cme(kCmeParameter);
  if (!gnss.on) return answer.cme(kCmeGnssOff);
  if (gnss.lost || modem.now_ms() - gnss.on_since_ms < gnss.search_ms) return answer.cme(kCmeGnssNoFix);
  std::string place = degrees(location.latitude, true, *format);
  place += "," + degrees(location.longitude, false, *format);
  // With assisted GNSS the first reading is a place from the network: no satellite, no fix.
  if (gnss.false_left > 0) {
    --gnss.false_left;
    return answer.line("+QGPSLOC: 024157.00," + place + ",0.00,0.0,1,,3.464,1.898,301126,00");
  }
  answer.line("+QGPSLOC: 024158.000," + place + ",1.5,1125.0,2,307.37,0.0,0.0,301126,04");
}

}  // namespace

const std::vector<AtCommand>& location_commands() {
  constexpr unsigned kWithGnss = kEc600n | kEc600u;
  static const std::vector<AtCommand> table{
      {"+QLBSCFG", kEvery, Need::nothing,
       "+QLBSCFG: \"asynch\",\"timeout\",\"server\",\"token\",\"timeupdate\",\"withtime\",\"latorder\",\"contextid\"",
       nullptr, nullptr, qlbscfg},
      {"+QLBS", kEvery, Need::nothing, "", qlbs, nullptr, nullptr},
      {"+QGPS", kWithGnss, Need::nothing, "+QGPS: (1-4)", nullptr, gps_read, gps_on},
      {"+QGPSEND", kWithGnss, Need::nothing, "", gps_off, nullptr, nullptr},
      {"+QGPSLOC", kWithGnss, Need::nothing, "+QGPSLOC: (0-2)", nullptr, gps_location, gps_location},
      {"+QGPSCFG", kWithGnss, Need::nothing, "+QGPSCFG: \"gnssconfig\",(0-7)", nullptr, nullptr, accept},
  };
  return table;
}

}  // namespace sim::modem
