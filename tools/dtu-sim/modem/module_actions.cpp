// Actions that change what the module is and knows.
#include <algorithm>
#include <array>

#include "radio.hpp"
#include "script.hpp"
#include "simulation.hpp"
#include "sms.hpp"
#include "sms_pdu.hpp"
#include "sockets.hpp"

namespace sim::modem {
namespace {

Act on_state(std::function<void(State&)> change) {
  return [change = std::move(change)](Simulation& s) { change(s.modem().state()); };
}

Act parse_sim(Words& words) {
  const std::string what = words.one_of({"ready", "pin", "puk", "none", "removed", "busy"});
  if (what == "pin") {
    const std::string pin = words.more() ? words.text("a PIN") : "1234";
    const int tries = words.more() ? static_cast<int>(words.number("tries", 1, 3)) : 3;
    return [pin, tries](Simulation& s) {
      s.modem().state().sim.pin = pin;
      s.modem().state().sim.pin_tries = tries;
      set_sim(s.modem(), SimState::pin);
    };
  }
  constexpr std::array<std::pair<std::string_view, SimState>, 5> kStates{{{"ready", SimState::ready},
                                                                          {"puk", SimState::puk},
                                                                          {"none", SimState::absent},
                                                                          {"removed", SimState::absent},
                                                                          {"busy", SimState::busy}}};
  const auto* found =
      std::find_if(kStates.begin(), kStates.end(), [&](const auto& each) { return each.first == what; });
  return [state = found->second](Simulation& s) { set_sim(s.modem(), state); };
}

Act parse_reg(Words& words) {
  constexpr int kEveryDomain = -1;
  int domain = kEveryDomain;
  if (words.take("voice")) domain = kVoice;
  if (words.take("gprs")) domain = kPacket;
  if (words.take("eps")) domain = kEps;
  const auto stat = static_cast<int>(words.number("voice, gprs, eps or a registration", 0, 5));
  return [domain, stat](Simulation& s) { set_registration(s.modem(), domain, stat); };
}

Act parse_csq(Words& words) {
  constexpr int kNotKnown = 99;
  constexpr int kMost = 31;
  const auto value = static_cast<int>(words.number("a signal", 0, kNotKnown));
  if (value > kMost && value != kNotKnown) Words::fail(std::to_string(value), "0 to 31, or 99,");
  return [value](Simulation& s) { set_csq(s.modem(), value); };
}

template <int Radio::*kMember>
Act parse_radio(Words& words) {
  const auto value = static_cast<int>(words.number("a level", -200, 100));
  return on_state([value](State& state) { state.radio.*kMember = value; });
}

void drift(Simulation& s, uint64_t number, int least, int most, int64_t every_ms) {
  if (!s.is_drift("csq", number)) return;
  const int now = s.modem().state().radio.csq;
  set_csq(s.modem(), std::clamp(now + s.random(-1, 1), least, most));
  s.later(every_ms, [=](Simulation& later) { drift(later, number, least, most, every_ms); });
}

Act parse_drift(Words& words) {
  words.one_of({"csq"});
  if (words.take("off")) return [](Simulation& s) { static_cast<void>(s.begin_drift("csq")); };
  const auto least = static_cast<int>(words.number("off or the least signal", 0, 31));
  const auto most = static_cast<int>(words.number("the most signal", least, 31));
  const int64_t every_ms = words.more() ? std::max<int64_t>(1, words.seconds_as_ms("a time between two steps")) : 1000;
  return [=](Simulation& s) { drift(s, s.begin_drift("csq"), least, most, every_ms); };
}

Act parse_operator(Words& words) {
  const std::string name = words.text("a name");
  const std::string code = words.more() ? words.text("a code of 5 or 6 digits") : "46000";
  if (code.size() < 5 || code.size() > 6) Words::fail(code, "a code of 5 or 6 digits");
  return on_state([=](State& state) {
    state.radio.operator_name = name;
    state.radio.operator_code = code;
  });
}

Act parse_cell(Words& words) {
  const std::string area = words.text("an area code in hexadecimal");
  const std::string cell = words.text("a cell in hexadecimal");
  return on_state([=](State& state) {
    state.radio.area = area;
    state.radio.cell = cell;
  });
}

Act parse_battery(Words& words) {
  const auto percent = static_cast<int>(words.number("a percentage", 0, 100));
  const auto millivolt = static_cast<int>(words.number("millivolts", 0, 60000));
  const auto status = words.more() ? static_cast<int>(words.number("a status", 0, 3)) : 0;
  return on_state([=](State& state) {
    state.supply.percent = percent;
    state.supply.millivolt = millivolt;
    state.supply.status = status;
  });
}

Act parse_adc(Words& words) {
  const auto channel = static_cast<size_t>(words.number("a channel", 0, 1));
  if (words.take("failed")) return on_state([channel](State& state) { state.supply.adc[channel].reset(); });
  const auto value = static_cast<int>(words.number("failed or millivolts", 0, 100000));
  return on_state([=](State& state) { state.supply.adc[channel] = value; });
}

template <std::string State::*kMember>
Act parse_text(Words& words) {
  const std::string value = words.text("a text");
  return on_state([value](State& state) { state.*kMember = value; });
}

template <std::string SimCard::*kMember>
Act parse_sim_text(Words& words) {
  const std::string value = words.take("none") ? "" : words.text("none or a text");
  return on_state([value](State& state) { state.sim.*kMember = value; });
}

Act parse_temperature(Words& words) {
  const std::string value = words.text("what follows +QTEMP:");
  return on_state([value](State& state) { state.supply.temperature = value; });
}

Act parse_location(Words& words) {
  const double latitude = words.decimal("a latitude from -90 to 90", -90, 90);
  const double longitude = words.decimal("a longitude from -180 to 180", -180, 180);
  return on_state([=](State& state) {
    state.location.latitude = latitude;
    state.location.longitude = longitude;
  });
}

Act parse_lbs(Words& words) {
  const auto code = static_cast<int>(words.number("a code of AT+QLBS", 0, 99999));
  return on_state([code](State& state) { state.location.code = code; });
}

Act parse_gnss(Words& words) {
  const std::string what = words.one_of({"search", "false", "lost", "found"});
  if (what == "search") {
    const int64_t ms = words.seconds_as_ms("a time until the first fix");
    return on_state([ms](State& state) { state.location.gnss.search_ms = ms; });
  }
  if (what == "false") {
    const auto count = static_cast<int>(words.number("a count of false fixes", 0, 1000));
    return on_state([count](State& state) { state.location.gnss.false_fixes = count; });
  }
  return on_state([lost = what == "lost"](State& state) { state.location.gnss.lost = lost; });
}

Act parse_pdp(Words& words) {
  words.one_of({"drop"});
  const auto context = static_cast<int>(words.number("a context", 1, 7));
  return [context](Simulation& s) { drop_context(s.modem(), context); };
}

Act parse_socket(Words& words) {
  const auto id = static_cast<int>(words.number("a socket", 0, 11));
  const std::string what = words.one_of({"close", "data", "silent"});
  if (what == "close") return [id](Simulation& s) { socket_closed(s.modem(), id); };
  const std::string bytes = words.text("what arrives");
  return [id, bytes, silent = what == "silent"](Simulation& s) {
    s.modem().mute(silent);
    socket_received(s.modem(), id, bytes);
    s.modem().mute(false);
  };
}

Act parse_sms(Words& words) {
  const std::string what = words.one_of({"from", "pdu", "capacity", "fail"});
  if (what == "pdu") {
    const std::string pdu = words.hex("a PDU in hexadecimal, with the centre's address in front,");
    return [pdu](Simulation& s) { deliver_message(s.modem(), {0, pdu, "", ""}); };
  }
  if (what == "capacity") {
    const std::string storage = words.one_of({"SM", "ME"});
    const auto count = static_cast<size_t>(words.number("a count of messages", 0, 255));
    return on_state([=](State& state) { state.sms.storages[storage].capacity = count; });
  }
  if (what == "fail") {
    const auto code = static_cast<int>(words.number("a +CMS ERROR", 1, 999));
    return on_state([code](State& state) { state.sms.fail = code; });
  }
  const std::string sender = words.text("a number such as +8613800000000");
  const std::string text = words.text("a text in quotes");
  try {
    static_cast<void>(deliver_pdus(sender, text, 0));
  } catch (const std::invalid_argument& e) {
    throw ScriptError("\"" + sender + "\": " + e.what());
  }
  return [=](Simulation& s) {
    for (const std::string& pdu : deliver_pdus(sender, text, s.next_reference()))
      deliver_message(s.modem(), {0, pdu, sender, text});
  };
}

Act parse_fota(Words& words) {
  const std::string what = words.one_of({"version", "fail", "http-fail", "cut", "cut-download", "step"});
  if (what == "version") {
    const std::string version = words.text("the version after the update");
    return on_state([version](State& state) { state.firmware.next = version; });
  }
  if (what == "step") {
    const int64_t ms = words.seconds_as_ms("a time between two lines of progress");
    return on_state([ms](State& state) { state.firmware.step_ms = ms; });
  }
  const bool fails = what == "fail" || what == "http-fail";
  const auto number =
      static_cast<int>(fails ? words.number("an error number", 0, 9999) : words.number("a percentage", 0, 100));
  const bool resume = what != "cut" || !words.more() || words.one_of({"resume", "old"}) == "resume";
  return on_state([=](State& state) {
    Firmware& firmware = state.firmware;
    (what == "fail"        ? firmware.update_error
     : what == "http-fail" ? firmware.download_error
     : what == "cut"       ? firmware.cut_update
                           : firmware.cut_download) = number;
    if (what == "cut") firmware.resume = resume;
  });
}

Act parse_clock(Words& words) {
  if (words.one_of({"unset", "set"}) == "unset") return on_state([](State& state) { state.clock_s.reset(); });
  const int64_t utc_s = words.number("seconds since 1970", 0, 4'000'000'000);
  return [utc_s](Simulation& s) {
    s.modem().state().clock_s = utc_s;
    s.modem().state().clock_set_ms = s.modem().now_ms();
  };
}

Act parse_urc_port(Words& words) {
  const std::string port = words.one_of({"usbat", "usbmodem", "uart1", "all"});
  return on_state([port](State& state) { state.urc_port = port; });
}

}  // namespace

const std::vector<Action>& module_actions() {
  static const std::vector<Action> table{
      {"sim", "ready|pin [PIN [TRIES]]|puk|none|removed|busy", "the SIM card", parse_sim},
      {"reg", "[voice|gprs|eps] N", "registration 0 to 5, of one domain or all", parse_reg},
      {"csq", "N", "signal 0 to 31, 99 unknown", parse_csq},
      {"rsrp", "DBM", "", parse_radio<&Radio::rsrp>},
      {"rsrq", "DB", "", parse_radio<&Radio::rsrq>},
      {"sinr", "DB", "", parse_radio<&Radio::sinr>},
      {"drift", "csq off|FROM TO [SECONDS]", "a step up or down each second", parse_drift},
      {"operator", "NAME [CODE]", "", parse_operator},
      {"cell", "AREA CELL", "both in hexadecimal", parse_cell},
      {"battery", "PERCENT MV [STATUS]", "what AT+CBC tells", parse_battery},
      {"adc", "CHANNEL failed|MV", "channel 0 or 1", parse_adc},
      {"temperature", "TEXT", "what AT+QTEMP tells; \\n begins a line", parse_temperature},
      {"imei", "TEXT", "", parse_text<&State::imei>},
      {"version", "TEXT", "what AT+CGMR tells", parse_text<&State::version>},
      {"iccid", "TEXT", "", parse_sim_text<&SimCard::iccid>},
      {"imsi", "TEXT", "", parse_sim_text<&SimCard::imsi>},
      {"number", "none|TEXT", "the card's own telephone number", parse_sim_text<&SimCard::number>},
      {"location", "LATITUDE LONGITUDE", "the place, for AT+QLBS and AT+QGPSLOC", parse_location},
      {"lbs", "CODE", "what AT+QLBS answers; 0: the place", parse_lbs},
      {"gnss", "search S|false N|lost|found", "time to a fix; false fixes before it; no fix", parse_gnss},
      {"clock", "unset|set SECONDS", "what AT+CCLK tells", parse_clock},
      {"pdp", "drop CONTEXT", "the network ends a context", parse_pdp},
      {"socket", "N close|data TEXT|silent TEXT", "the far end of a socket; silent: without \"recv\"", parse_socket},
      {"sms", "from NUMBER TEXT|pdu HEX", "a message arrives", parse_sms},
      {"sms", "capacity SM|ME N", "how many messages a storage holds", parse_sms},
      {"sms", "fail N", "the next message sent gets +CMS ERROR: N", parse_sms},
      {"fota", "version TEXT|fail N|http-fail N", "how an update ends", parse_fota},
      {"fota", "cut PERCENT [resume|old]", "the power goes during the update", parse_fota},
      {"fota", "cut-download PERCENT", "the power goes during the download", parse_fota},
      {"fota", "step SECONDS", "time between two lines of progress", parse_fota},
      {"urcport", "usbat|usbmodem|uart1|all", "this line is usbat: others swallow URCs", parse_urc_port},
  };
  return table;
}

}  // namespace sim::modem
