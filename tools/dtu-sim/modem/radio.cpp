// Registration, signal, cells: AT+CREG to AT+QENG.
#include "radio.hpp"

#include <array>

#include "sms.hpp"
#include "table.hpp"

namespace sim::modem {
namespace {

constexpr std::array<std::string_view, 3> kDomain{"+CREG", "+CGREG", "+CEREG"};
constexpr int kDbmOfZero = -113;
constexpr int kNotKnown = 99;

int domain_of(const Call& call) {
  for (size_t i = 0; i < kDomain.size(); ++i)
    if (call.name == kDomain[i]) return static_cast<int>(i);
  return kVoice;
}

bool stat_is_registered(int stat) { return stat == 1 || stat == 5; }

void registration_read(Modem& modem, const Call& call, Answer& answer) {
  answer.line(registration_line(modem, domain_of(call), false));
}

void registration_set(Modem& modem, const Call& call, Answer& answer) {
  const auto n = call.number(0, 0, 2);
  if (!n) return answer.cme(kCmeParameter);
  modem.settings().registration[static_cast<size_t>(domain_of(call))] = *n;
}

int rssi(const Radio& radio) { return kDbmOfZero + 2 * radio.csq; }
bool has_signal(const Radio& radio) { return radio.csq != kNotKnown && radio.function == 1; }

void csq(Modem& modem, const Call& /*call*/, Answer& answer) {
  const Radio& radio = modem.state().radio;
  answer.line("+CSQ: " + std::to_string(radio.function == 1 ? radio.csq : kNotKnown) + "," + std::to_string(radio.ber));
}

void qcsq(Modem& modem, const Call& /*call*/, Answer& answer) {
  const Radio& radio = modem.state().radio;
  if (!has_signal(radio)) return answer.line("+QCSQ: \"NOSERVICE\"");
  constexpr int kSinrZero = 20;  // dB = raw / 5 - 20
  answer.line("+QCSQ: \"LTE\"," + std::to_string(rssi(radio)) + "," + std::to_string(radio.rsrp) + "," +
              std::to_string((radio.sinr + kSinrZero) * 5) + "," + std::to_string(radio.rsrq));
}

void qeng(Modem& modem, const Call& call, Answer& answer) {
  State& state = modem.state();
  const Radio& radio = state.radio;
  const std::string& what = call.text(0);
  const bool serving = what == "servingcell";
  if (!serving && what != "neighbourcell") return answer.cme(kCmeParameter);
  if (!has_signal(radio)) {
    if (serving) answer.line("+QENG: \"servingcell\",\"SEARCH\"");
    return;
  }
  const std::string& code = state.radio.operator_code;
  if (serving) {
    const std::string state_name = !is_registered(state) ? "LIMSRV" : state.contexts[1].active ? "CONNECT" : "NOCONN";
    answer.line("+QENG: \"servingcell\",\"" + state_name + "\",\"LTE\",\"TDD\"," + code.substr(0, 3) + "," +
                code.substr(3) + "," + radio.cell + ",198,38950,40,5,5," + radio.area + "," +
                std::to_string(radio.rsrp) + "," + std::to_string(radio.rsrq) + "," + std::to_string(rssi(radio)) +
                "," + std::to_string(radio.sinr) + ",38");
    return;
  }
  const std::string weaker = std::to_string(radio.rsrp - 6);
  answer.line("+QENG: \"neighbourcell intra\",\"LTE\",38950,276,-9," + weaker + ",-65,0,37,7,16,6,44");
  answer.line("+QENG: \"neighbourcell inter\",\"LTE\",39148,-,-,-,-,-,0,8,30,7,44");
}

void qnwinfo(Modem& modem, const Call& /*call*/, Answer& answer) {
  const State& state = modem.state();
  if (!is_registered(state)) return answer.line("+QNWINFO: No Service");
  answer.line("+QNWINFO: \"TDD LTE\",\"" + state.radio.operator_code + "\",\"LTE BAND 40\",38950");
}

void cops_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  const State& state = modem.state();
  if (!is_registered(state)) return answer.line("+COPS: 0");
  const bool numeric = state.settings.operator_format == 2;
  answer.line("+COPS: 0," + std::to_string(state.settings.operator_format) + ",\"" +
              (numeric ? state.radio.operator_code : state.radio.operator_name) + "\"," +
              std::to_string(state.radio.technology));
}

void cops_set(Modem& modem, const Call& call, Answer& answer) {
  constexpr int kSetFormat = 3;
  const auto mode = call.number(0, 0, 4);
  const auto format = call.number(1, 0, 2, 0);
  if (!mode || !format) return answer.cme(kCmeParameter);
  if (*mode == kSetFormat) modem.settings().operator_format = *format;
  if (*mode == 2) set_registration(modem, -1, 0);
  if (*mode == 0) set_registration(modem, -1, 1);
}

void cgatt_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  const State& state = modem.state();
  answer.line(std::string("+CGATT: ") + (state.radio.attached && is_registered(state) ? "1" : "0"));
}

void cgatt_set(Modem& modem, const Call& call, Answer& answer) {
  const auto on = call.number(0, 0, 1);
  if (!on) return answer.cme(kCmeParameter);
  if (*on == 1 && !is_registered(modem.state())) return answer.cme(kCmeNoNetwork);
  modem.state().radio.attached = *on == 1;
  if (*on == 0)
    for (auto& [id, context] : modem.state().contexts) context.active = false;
}

void qindcfg_set(Modem& modem, const Call& call, Answer& answer) {
  const auto on = call.number(1, 0, 1);
  if (!on) return answer.cme(kCmeParameter);
  if (call.text(0) == "csq" || call.text(0) == "all") modem.settings().csq_urc = *on == 1;
}

}  // namespace

bool is_registered(const State& state) {
  return stat_is_registered(state.radio.registered[kPacket]) || stat_is_registered(state.radio.registered[kEps]);
}

std::string registration_line(Modem& modem, int domain, bool unsolicited) {
  const auto index = static_cast<size_t>(domain);
  const Radio& radio = modem.state().radio;
  const int n = modem.settings().registration[index];
  const int stat = radio.registered[index];
  std::string line = std::string(kDomain[index]) + ": ";
  if (!unsolicited) line += std::to_string(n) + ",";
  line += std::to_string(stat);
  if (n == 2 && stat_is_registered(stat))
    line += ",\"" + radio.area + "\",\"" + radio.cell + "\"," + std::to_string(radio.technology);
  return line;
}

void refresh_registration(Modem& modem) {
  State& state = modem.state();
  const bool served = state.radio.function == 1 && state.sim.state == SimState::ready && modem.power() == Power::on;
  for (int domain = kVoice; domain <= kEps; ++domain) {
    const auto index = static_cast<size_t>(domain);
    const int stat = served ? state.radio.with_network[index] : 0;
    if (std::exchange(state.radio.registered[index], stat) == stat) continue;
    if (modem.settings().registration[index] != 0) modem.urc(registration_line(modem, domain, true));
  }
  if (is_registered(state)) return deliver_waiting(modem);
  for (auto& [id, context] : state.contexts) {
    if (!std::exchange(context.active, false)) continue;
    modem.urc("+QIURC: \"pdpdeact\"," + std::to_string(id));
  }
}

void set_registration(Modem& modem, int domain, int stat) {
  for (int each = kVoice; each <= kEps; ++each)
    if (domain < 0 || domain == each) modem.state().radio.with_network[static_cast<size_t>(each)] = stat;
  refresh_registration(modem);
}

void set_csq(Modem& modem, int value) {
  Radio& radio = modem.state().radio;
  if (std::exchange(radio.csq, value) == value) return;
  if (modem.settings().csq_urc) modem.urc("+QIND: \"csq\"," + std::to_string(value) + "," + std::to_string(radio.ber));
}

const std::vector<AtCommand>& radio_commands() {
  static const std::vector<AtCommand> table{
      {"+CREG", kEvery, Need::nothing, "+CREG: (0-2)", nullptr, registration_read, registration_set},
      {"+CGREG", kEvery, Need::nothing, "+CGREG: (0-2)", nullptr, registration_read, registration_set},
      {"+CEREG", kEvery, Need::nothing, "+CEREG: (0-2)", nullptr, registration_read, registration_set},
      {"+CSQ", kEvery, Need::nothing, "+CSQ: (0-31,99),(0-7,99)", csq, nullptr, nullptr},
      {"+QCSQ", kEvery, Need::nothing, "+QCSQ: \"NOSERVICE\",\"GSM\",\"LTE\"", qcsq, qcsq, nullptr},
      {"+QENG", kEvery, Need::nothing, "+QENG: (\"servingcell\",\"neighbourcell\")", nullptr, nullptr, qeng},
      {"+QNWINFO", kEvery, Need::nothing, "", qnwinfo, nullptr, nullptr},
      {"+COPS", kEvery, Need::nothing, "+COPS: (2,\"CHINA MOBILE\",\"CMCC\",\"46000\",7),,(0-4),(0-2)", nullptr,
       cops_read, cops_set},
      {"+CGATT", kEvery, Need::sim, "+CGATT: (0,1)", nullptr, cgatt_read, cgatt_set},
      {"+QINDCFG", kEvery, Need::nothing, "+QINDCFG: (\"all\",\"csq\"),(0,1)", nullptr, nullptr, qindcfg_set},
  };
  return table;
}

}  // namespace sim::modem
