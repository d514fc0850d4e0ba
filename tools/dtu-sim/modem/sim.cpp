// The SIM: its PIN and numbers, and what comes and goes with it.
#include "radio.hpp"

#include <array>
#include <utility>

#include "sms.hpp"
#include "table.hpp"

namespace sim::modem {
namespace {

struct Code {
  SimState state;
  const char* text;  // of AT+CPIN?
  int cme;           // of the commands that need the SIM
  int cms;
};
constexpr std::array<Code, 5> kCodes{{{SimState::ready, "READY", 0, 0},
                                      {SimState::pin, "SIM PIN", kCmeSimPin, kCmsSimPin},
                                      {SimState::puk, "SIM PUK", kCmeSimPuk, kCmsSimPuk},
                                      {SimState::absent, "", kCmeSimAbsent, kCmsSimAbsent},
                                      {SimState::busy, "", kCmeSimBusy, kCmsSimBusy}}};

const Code& code_of(SimState state) {
  for (const Code& code : kCodes)
    if (code.state == state) return code;
  return kCodes[0];
}

void cpin_read(Modem& modem, const Call& /*call*/, Answer& answer) {
  const SimCard& sim = modem.state().sim;
  if (modem.state().radio.function == 0) return answer.cme(kCmeSimFailure);
  if (sim_code(sim).empty()) return answer.cme(code_of(sim.state).cme);
  answer.line("+CPIN: " + sim_code(sim));
}

void open_sim(Modem& modem, Answer& answer) {
  SimCard& sim = modem.state().sim;
  sim.pin_tries = 3;
  sim.puk_tries = 10;
  answer.after(1, [](Modem& m) { set_sim(m, SimState::ready); });
}

void cpin_set(Modem& modem, const Call& call, Answer& answer) {
  SimCard& sim = modem.state().sim;
  if (sim.state == SimState::absent || sim.state == SimState::busy) return answer.cme(code_of(sim.state).cme);
  if (sim.state == SimState::pin) {
    if (call.text(0) == sim.pin) return open_sim(modem, answer);
    modem.note("a wrong PIN was tried");
    if (--sim.pin_tries <= 0) set_sim(modem, SimState::puk);
    return answer.cme(sim.state == SimState::puk ? kCmeSimPuk : kCmeWrongPassword);
  }
  if (sim.state == SimState::puk) {
    if (call.arguments.size() < 2) return answer.cme(kCmeSimPuk);
    if (call.text(0) == sim.puk) {
      sim.pin = call.text(1);
      return open_sim(modem, answer);
    }
    modem.note("a wrong PUK was tried");
    if (--sim.puk_tries <= 0) set_sim(modem, SimState::absent);
    return answer.cme(kCmeWrongPassword);
  }
  answer.cme(kCmeNotAllowed);
}

void qpinc(Modem& modem, const Call& /*call*/, Answer& answer) {
  const SimCard& sim = modem.state().sim;
  if (sim.state == SimState::absent) return answer.cme(kCmeSimAbsent);
  answer.line("+QPINC: \"SC\"," + std::to_string(sim.pin_tries) + "," + std::to_string(sim.puk_tries));
  answer.line("+QPINC: \"P2\",3,10");
}

void clck(Modem& modem, const Call& call, Answer& answer) {
  SimCard& sim = modem.state().sim;
  const auto mode = call.number(1, 0, 2);
  if (call.text(0) != "SC" || !mode) return answer.cme(kCmeParameter);
  if (*mode == 2) return answer.line(std::string("+CLCK: ") + (sim.locked ? "1" : "0"));
  if (call.text(2) != sim.pin) return answer.cme(kCmeWrongPassword);
  sim.locked = *mode == 1;
}

void iccid(Modem& modem, const Call& /*call*/, Answer& answer) {
  // Readable while the card asks for its PIN.
  const SimCard& sim = modem.state().sim;
  if (sim.state == SimState::absent || sim.state == SimState::busy) return answer.cme(code_of(sim.state).cme);
  answer.line("+QCCID: " + sim.iccid);
}

void imsi(Modem& modem, const Call& /*call*/, Answer& answer) { answer.line(modem.state().sim.imsi); }

void own_number(Modem& modem, const Call& /*call*/, Answer& answer) {
  const std::string& number = modem.state().sim.number;
  if (number.empty()) return;
  answer.line("+CNUM: \"\",\"" + number + "\"," + (number[0] == '+' ? "145" : "129"));
}

void initial_state(Modem& modem, const Call& /*call*/, Answer& answer) {
  const State& state = modem.state();
  constexpr int kEverything = 7;  // CPIN, SMS and phone book are ready
  answer.line("+QINISTAT: " + std::to_string(state.sim.state != SimState::ready ? 0
                                             : state.sms.ready                  ? kEverything
                                                                                : 1));
}

void sim_status(Modem& modem, const Call& /*call*/, Answer& answer) {
  answer.line(std::string("+QSIMSTAT: 1,") + (modem.state().sim.state == SimState::absent ? "0" : "1"));
}

}  // namespace

std::string sim_code(const SimCard& sim) { return code_of(sim.state).text; }

int missing_sim(Modem& modem, bool messages) {
  const State& state = modem.state();
  if (state.radio.function == 0) return messages ? kCmsSimBusy : kCmeSimFailure;
  if (state.sim.state != SimState::ready) return messages ? code_of(state.sim.state).cms : code_of(state.sim.state).cme;
  return messages && !state.sms.ready ? kCmsSimBusy : 0;
}

void set_sim(Modem& modem, SimState state) {
  SimCard& sim = modem.state().sim;
  const SimState before = std::exchange(sim.state, state);
  if (before == state) return;
  if (state == SimState::pin) sim.locked = true;
  if (state == SimState::puk) sim.pin_tries = 0;
  if (state == SimState::absent) {
    modem.urc("+CPIN: NOT READY");
    modem.urc("+QUSIM: 0");
    modem.state().sms.ready = false;
  } else if (const std::string code = sim_code(sim); !code.empty()) {
    modem.urc("+CPIN: " + code);
  }
  if (state == SimState::ready) {
    modem.urc("+QUSIM: 1");
    constexpr int64_t kMessagesMs = 20;
    modem.later(kMessagesMs, [](Modem& m) {
      if (m.state().sim.state != SimState::ready) return;
      m.state().sms.ready = true;
      m.urc("+QIND: SMS DONE");
      m.urc("+QIND: PB DONE");
      deliver_waiting(m);
    });
  }
  refresh_registration(modem);
}

const std::vector<AtCommand>& sim_commands() {
  static const std::vector<AtCommand> table{
      {"+CPIN", kEvery, Need::nothing, "", nullptr, cpin_read, cpin_set},
      {"+QPINC", kEvery, Need::nothing, "+QPINC: (\"SC\",\"P2\")", qpinc, qpinc, qpinc},
      {"+CLCK", kEvery, Need::sim, "+CLCK: (\"SC\")", nullptr, nullptr, clck},
      {"+QCCID", kEvery, Need::nothing, "", iccid, nullptr, nullptr},
      {"+CCID", kEvery, Need::nothing, "", iccid, nullptr, nullptr},
      {"+CIMI", kEvery, Need::sim, "", imsi, nullptr, nullptr},
      {"+CNUM", kEvery, Need::sim, "", own_number, nullptr, nullptr},
      {"+QINISTAT", kEvery, Need::nothing, "+QINISTAT: (0-7)", initial_state, initial_state, nullptr},
      {"+QSIMSTAT", kEvery, Need::nothing, "+QSIMSTAT: (0,1)", nullptr, sim_status, accept},
      {"+QSIMDET", kEvery, Need::nothing, "+QSIMDET: (0,1),(0,1)", nullptr, nullptr, accept},
  };
  return table;
}

}  // namespace sim::modem
