// Identity, settings, power, battery, clock: what every module has.
#include <array>
#include <cstdio>
#include <ctime>

#include "radio.hpp"
#include "sms.hpp"
#include "table.hpp"

namespace sim::modem {
namespace {

constexpr int64_t kPauseMs = 10;  // between two lines of a start

// ---------------------------------------------------------------- settings

void echo(Modem& modem, const Call& call, Answer& answer) {
  const auto on = call.number(0, 0, 1, 1);
  if (!on) return answer.error();
  modem.settings().echo = *on == 1;
}

void defaults(Modem& modem, const Call& /*call*/, Answer& /*answer*/) { modem.settings() = Settings{}; }

void cmee_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line("+CMEE: " + std::to_string(modem.settings().cmee));
}

void cmee_set(Modem& modem, const Call& call, Answer& answer) {
  const auto mode = call.number(0, 0, 2);
  if (!mode) return answer.cme(kCmeParameter);
  modem.settings().cmee = *mode;
}

void ipr_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line("+IPR: " + std::to_string(modem.settings().rate));
}

void ipr_set(Modem& /*modem*/, const Call& call, Answer& answer) {
  constexpr int kMost = 921600;
  const auto rate = call.number(0, 0, kMost);
  if (!rate) return answer.cme(kCmeParameter);
  answer.after(0, [rate = *rate](Modem& m) { m.settings().rate = rate; });  // the OK comes at the old one
}

void charset_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line("+CSCS: \"" + modem.settings().charset + "\"");
}

void charset_set(Modem& modem, const Call& call, Answer& answer) {
  const std::string& name = call.text(0);
  if (name != "GSM" && name != "IRA" && name != "UCS2") return answer.cme(kCmeParameter);
  modem.settings().charset = name;
}

void urc_port(Modem& modem, const Call& call, Answer& answer) {
  constexpr std::array<std::string_view, 4> kPorts{"usbat", "usbmodem", "uart1", "all"};
  if (call.text(0) != "urcport") return answer.cme(kCmeParameter);
  if (call.arguments.size() < 2) return answer.line("+QURCCFG: \"urcport\",\"" + modem.state().urc_port + "\"");
  for (const std::string_view port : kPorts)
    if (call.text(1) == port) {
      modem.state().urc_port = call.text(1);
      return;
    }
  answer.cme(kCmeParameter);
}

void qcfg(Modem& modem, const Call& call, Answer& answer) {
  if (call.arguments.size() > 1) return modem.note("AT+QCFG wrote " + call.text(0));
  if (call.text(0) == "usbnet") return answer.line("+QCFG: \"usbnet\",1");
  answer.cme(kCmeParameter);
}

// ---------------------------------------------------------------- identity

void imei(Modem& modem, const Call& /*call*/, Answer& answer) { answer.line(modem.state().imei); }
void version(Modem& modem, const Call& /*call*/, Answer& answer) { answer.line(modem.state().version); }
void maker(Modem& /*modem*/, const Call& /*call*/, Answer& answer) { answer.line("Quectel"); }
void model(Modem& modem, const Call& /*call*/, Answer& answer) { answer.line(std::string(modem.profile().model)); }

void sub_version(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line(modem.state().version + std::string(modem.profile().sub_version));
}

void identity(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line("Quectel");
  answer.line(std::string(modem.profile().model));
  answer.line("Revision: " + modem.state().version);
}

// ---------------------------------------------------------------- power

void function_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line("+CFUN: " + std::to_string(modem.state().radio.function));
}

void sim_after_start(Modem& modem) {
  State& state = modem.state();
  if (state.sim.state == SimState::absent) {
    modem.urc("+CPIN: NOT INSERTED");
  } else if (const std::string code = sim_code(state.sim); !code.empty()) {
    modem.urc("+CPIN: " + code);
  }
  if (state.sim.state == SimState::ready) {
    modem.urc("+QUSIM: 1");
    modem.later(kPauseMs, refresh_registration);
    modem.later(2 * kPauseMs, [](Modem& m) {
      m.state().sms.ready = m.state().sim.state == SimState::ready;
      if (!m.state().sms.ready) return;
      m.urc("+QIND: SMS DONE");
      deliver_waiting(m);
    });
    modem.later(3 * kPauseMs, [](Modem& m) { m.urc("+QIND: PB DONE"); });
  }
}

void function_set(Modem& modem, const Call& call, Answer& answer) {
  const auto function = call.number(0, 0, 4);
  const auto reset = call.number(1, 0, 1, 0);
  if (!function || !reset || *function == 2 || *function == 3) return answer.cme(kCmeParameter);
  if (*reset == 1) return answer.after(kPauseMs, [](Modem& m) { m.restart(false); });
  Radio& radio = modem.state().radio;
  const int before = std::exchange(radio.function, *function);
  if (before == *function) return;
  if (*function == 0) {
    modem.state().sms.ready = false;
    answer.after(1, [](Modem& m) { m.urc("+CPIN: NOT READY"); });
  }
  if (before == 0)
    answer.after(kPauseMs, sim_after_start);
  else
    answer.after(1, refresh_registration);
}

void power_down(Modem& /*modem*/, const Call& call, Answer& answer) {
  if (!call.number(0, 0, 1, 1)) return answer.cme(kCmeParameter);
  answer.after(kPauseMs, [](Modem& m) {
    m.urc("POWERED DOWN");
    m.later(kPauseMs, [](Modem& later) { later.power_off(); });
  });
}

// ---------------------------------------------------------------- measured

void battery(Modem& modem, const Call& /*call*/, Answer& answer) {
  const Supply& supply = modem.state().supply;
  answer.line("+CBC: " + std::to_string(supply.status) + "," + std::to_string(supply.percent) + "," +
              std::to_string(supply.millivolt));
}

void adc(Modem& modem, const Call& call, Answer& answer) {
  const auto& channels = modem.state().supply.adc;
  const auto channel = call.number(0, 0, static_cast<int>(channels.size()) - 1);
  if (!channel) return answer.cme(kCmeParameter);
  const auto& value = channels[static_cast<size_t>(*channel)];
  answer.line(value ? "+QADC: 1," + std::to_string(*value) : "+QADC: 0,0");
}

void temperature(Modem& modem, const Call& /*call*/, Answer& answer) {
  const std::string& text = modem.state().supply.temperature;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    answer.line("+QTEMP: " + text.substr(begin, end - begin));
    begin = end + 1;
  }
}

void activity(Modem& /*modem*/, const Call& /*call*/, Answer& answer) { answer.line("+CPAS: 0"); }

// ---------------------------------------------------------------- clock

constexpr int kQuartersEast = 32;  // UTC+8, as the network there gives it
constexpr int64_t kQuarterS = 15 * 60;
constexpr int64_t kMs = 1000;

// "26/11/30,17:00:00+32"; `long_year` for +QNTP.
std::string clock_text(int64_t utc_s, bool long_year) {
  const std::time_t local = utc_s + kQuartersEast * kQuarterS;
  std::tm tm{};
  gmtime_r(&local, &tm);
  std::array<char, 32> out{};
  std::strftime(out.data(), out.size(), long_year ? "%Y/%m/%d,%H:%M:%S+32" : "%y/%m/%d,%H:%M:%S+32", &tm);
  return out.data();
}

void clock_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  const State& state = modem.state();
  if (!state.clock_s) return answer.line("+CCLK: \"80/01/06,00:00:00+00\"");
  const int64_t now = *state.clock_s + (modem.now_ms() - state.clock_set_ms) / kMs;
  answer.line("+CCLK: \"" + clock_text(now, false) + "\"");
}

void set_clock(Modem& modem, int64_t utc_s) {
  modem.state().clock_s = utc_s;
  modem.state().clock_set_ms = modem.now_ms();
}

void clock_set(Modem& modem, const Call& call, Answer& answer) {
  std::tm tm{};
  int quarters = 0;
  // The fields are checked by the count; timegm() carries what is too large.
  // NOLINTNEXTLINE(cert-err34-c): a wrong number only makes a wrong clock in a simulation
  if (std::sscanf(call.text(0).c_str(), "%2d/%2d/%2d,%2d:%2d:%2d%3d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                  &tm.tm_min, &tm.tm_sec, &quarters) < 6)
    return answer.cme(kCmeParameter);
  tm.tm_year += 100;
  tm.tm_mon -= 1;
  set_clock(modem, timegm(&tm) - quarters * kQuarterS);
}

void ntp(Modem& modem, const Call& call, Answer& answer) {
  if (call.text(1).empty()) return answer.cme(kCmeParameter);
  const auto context = modem.state().contexts.find(call.number(0, 1, 7).value_or(0));
  if (context == modem.state().contexts.end() || !context->second.active) return answer.error();
  answer.after(kPauseMs, [](Modem& m) {
    const int64_t now = std::time(nullptr);
    set_clock(m, now);
    m.urc("+QNTP: 0,\"" + clock_text(now, true) + "\"");
  });
}

}  // namespace

void say_boot(Modem& modem) {
  modem.urc("RDY");
  modem.later(kPauseMs, [](Modem& m) { m.urc("+CFUN: 1"); });
  modem.later(2 * kPauseMs, sim_after_start);
}

const std::vector<AtCommand>& general_commands() {
  static const std::vector<AtCommand> table{
      {"E", kEvery, Need::nothing, nullptr, echo, nullptr, nullptr},
      {"V", kEvery, Need::nothing, nullptr, accept, nullptr, nullptr},
      {"Q", kEvery, Need::nothing, nullptr, accept, nullptr, nullptr},
      {"X", kEvery, Need::nothing, nullptr, accept, nullptr, nullptr},
      {"Z", kEvery, Need::nothing, nullptr, defaults, nullptr, nullptr},
      {"I", kEvery, Need::nothing, nullptr, identity, nullptr, nullptr},
      {"&C", kEvery, Need::nothing, nullptr, accept, nullptr, nullptr},
      {"&D", kEvery, Need::nothing, nullptr, accept, nullptr, nullptr},
      {"&F", kEvery, Need::nothing, nullptr, defaults, nullptr, nullptr},
      {"&W", kEvery, Need::nothing, nullptr, accept, nullptr, nullptr},
      {"+CMEE", kEvery, Need::nothing, "+CMEE: (0-2)", nullptr, cmee_read, cmee_set},
      {"+IPR", kEvery, Need::nothing, "+IPR: (0,9600,19200,38400,57600,115200,230400,460800,921600)", nullptr, ipr_read,
       ipr_set},
      {"+CSCS", kEvery, Need::nothing, "+CSCS: (\"GSM\",\"IRA\",\"UCS2\")", nullptr, charset_read, charset_set},
      {"+QURCCFG", kEvery, Need::nothing, "+QURCCFG: \"urcport\",(\"usbat\",\"usbmodem\",\"uart1\",\"all\")", nullptr,
       nullptr, urc_port},
      {"+QCFG", kEvery, Need::nothing, "+QCFG: \"usbnet\",(0-3)", nullptr, nullptr, qcfg},
      {"+QSCLK", kEvery, Need::nothing, "+QSCLK: (0,1)", nullptr, nullptr, accept},
      {"+CGSN", kEvery, Need::nothing, "", imei, nullptr, imei},
      {"+GSN", kEvery, Need::nothing, "", imei, nullptr, nullptr},
      {"+CGMR", kEvery, Need::nothing, "", version, nullptr, nullptr},
      {"+GMR", kEvery, Need::nothing, "", version, nullptr, nullptr},
      {"+QGMR", kEvery, Need::nothing, "", sub_version, nullptr, nullptr},
      {"+CGMI", kEvery, Need::nothing, "", maker, nullptr, nullptr},
      {"+GMI", kEvery, Need::nothing, "", maker, nullptr, nullptr},
      {"+CGMM", kEvery, Need::nothing, "", model, nullptr, nullptr},
      {"+GMM", kEvery, Need::nothing, "", model, nullptr, nullptr},
      {"+CFUN", kEvery, Need::nothing, "+CFUN: (0,1,4),(0,1)", nullptr, function_read, function_set},
      {"+QPOWD", kEvery, Need::nothing, "+QPOWD: (0,1)", power_down, nullptr, power_down},
      {"+CPAS", kEvery, Need::nothing, "+CPAS: (0,3,4)", activity, nullptr, nullptr},
      {"+CBC", kEvery, Need::nothing, "", battery, nullptr, nullptr},
      {"+QADC", kEvery, Need::nothing, "+QADC: (0,1)", nullptr, nullptr, adc},
      {"+QTEMP", kEc600n, Need::nothing, "", temperature, nullptr, nullptr},
      {"+CCLK", kEvery, Need::nothing, "", nullptr, clock_read, clock_set},
      {"+CTZU", kEvery, Need::nothing, "+CTZU: (0,1,3)", nullptr, nullptr, accept},
      {"+CTZR", kEvery, Need::nothing, "+CTZR: (0-2)", nullptr, nullptr, accept},
      {"+QNTP", kEvery, Need::nothing, "+QNTP: (1-7),<server>,(1-65535)", nullptr, nullptr, ntp},
  };
  return table;
}

}  // namespace sim::modem
