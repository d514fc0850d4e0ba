#include "asker.hpp"

#include <dtu/sdk/json.hpp>

#include <array>

#include "readings.hpp"

namespace hal_ec600 {
namespace {

constexpr std::array<const char*, 3> kSimPoints{"sim.iccid", "sim.imsi", "sim.number"};

struct SimWord {
  std::string_view state, words;
};
constexpr std::array kSimWords{SimWord{"none", "there is no SIM"},
                               SimWord{"pin", "the SIM wants its PIN"},
                               SimWord{"puk", "the SIM is locked and wants its PUK"},
                               SimWord{"busy", "the SIM is not ready yet"},
                               SimWord{"failure", "the SIM has failed"},
                               SimWord{"locked", "the modem takes only the SIM of one operator"}};

std::string sim_words(std::string_view state) {
  for (const SimWord& w : kSimWords)
    if (w.state == state) return std::string(w.words);
  return "the SIM is not known yet";
}

constexpr std::array<const char*, 3> kRegistrations{"+CREG", "+CGREG", "+CEREG"};
constexpr const char* kAccess = " AcT";  // behind one of these: the technology that it names

bool is_registered(const std::string& state) { return state == "1" || state == "5"; }

std::string qlbs_words(int64_t code) {
  switch (code) {
    case 702:
      return "the locator did not answer in time: is the data connection up?";
    case 10001:
    case 10007:
      return "the locator refuses this IMEI";
    case 10002:
      return "the locator does not know lbs_token";
    case 10003:
    case 10004:
    case 10005:
    case 10008:
      return "the limit of the locator's token is used up";
    case 10006:
      return "the locator's token has expired";
    default:
      return "the locator failed (" + std::to_string(code) + ")";
  }
}

}  // namespace

// One command of the exchange that reads all that changes. What may be refused by its nature comes last.
struct Asker::Part {
  const char* command;
  const char* form;
  std::optional<Feature> needs;
  std::vector<const char*> points;
  void (*take)(Asker&, const AtResult&, std::string_view line);
};

const Asker::Part Asker::kParts[] = {
    {"+CSQ",
     "+CSQ: n,n",
     {},
     {"radio.csq"},
     [](Asker& a, const AtResult&, std::string_view l) { a.set("radio.csq", readings::csq(l)); }},
    {"+CREG?",
     "+CREG: n,n,*",
     {},
     {"network.voice_state"},
     [](Asker& a, const AtResult&, std::string_view l) {
       a.registered("+CREG", readings::registration(l), readings::technology_answered(l));
     }},
    {"+CGREG?",
     "+CGREG: n,n,*",
     {},
     {},
     [](Asker& a, const AtResult&, std::string_view l) {
       a.registered("+CGREG", readings::registration(l), readings::technology_answered(l));
     }},
    {"+CEREG?",
     "+CEREG: n,n,*",
     {},
     {},
     [](Asker& a, const AtResult&, std::string_view l) {
       a.registered("+CEREG", readings::registration(l), readings::technology_answered(l));
     }},
    {"+COPS?",
     "+COPS: n,*",
     {},
     {"radio.operator", "radio.technology"},
     [](Asker& a, const AtResult&, std::string_view l) {
       a.set("radio.operator", readings::operator_name(l));
       const std::string technology = readings::technology(l);
       a.set("radio.technology", technology.empty() ? a.registered_technology() : technology);
     }},
    {"+QCSQ",
     "+QCSQ: t,*",
     Feature::signal,
     {"radio.rsrp", "radio.rsrq", "radio.sinr"},
     [](Asker& a, const AtResult&, std::string_view l) {
       const readings::Signal s = readings::signal(l);
       a.set("radio.rsrp", s.rsrp);
       a.set("radio.rsrq", s.rsrq);
       a.set("radio.sinr", s.sinr);
     }},
    {"+CBC",
     "+CBC: w,w,w",
     Feature::battery,
     {"battery.mv", "battery.percent"},
     [](Asker& a, const AtResult&, std::string_view l) {
       a.set("battery.mv", readings::battery_mv(l));
       a.set("battery.percent", readings::battery_percent(l));
     }},
    {"+QTEMP",
     "+QTEMP: *",
     Feature::temperature,
     {"sensor.temperature"},
     [](Asker& a, const AtResult& r, std::string_view) {
       a.set("sensor.temperature", readings::temperature(r.lines));
     }},
    {"+CPIN?",
     "+CPIN: *",
     {},
     {},
     [](Asker& a, const AtResult&, std::string_view l) { a.set_sim(readings::sim_state(l)); }},
    {"+QGPSLOC=2", "+QGPSLOC: *", Feature::gnss, {"location.gnss"}, [](Asker& a, const AtResult&, std::string_view l) {
       const auto at = readings::gnss(l);
       a.set("location.gnss", at ? at->json : "", "no position fix yet");
     }}};

Asker::Asker(Modem& modem, Values& values, const Config& config, Now now_ms, std::function<void()> changed)
    : modem_(modem), values_(values), config_(config), now_ms_(std::move(now_ms)), changed_(std::move(changed)) {
  for (const char* which : kRegistrations)
    modem_.engine().on_urc(std::string(which) + ":", [this, which](std::string_view line, std::string_view) {
      if (line.find(',') != std::string_view::npos && at_has_form(line, std::string(which) + ": n,n,*")) return;
      const auto states = [this] { return values_.json("network.voice_state") + values_.json("network.data_state"); };
      const std::string before = states();
      registered(which, readings::registration_told(line), readings::technology(line));
      if (std::string technology = registered_technology(); !technology.empty())
        set("radio.technology", std::move(technology));
      if (states() != before) news();
      changed_();
    });
  modem_.engine().on_urc("+CPIN:", [this](std::string_view line, std::string_view) {
    set_sim(readings::sim_state(line));
    changed_();
  });
}

void Asker::set(std::string_view name, std::string json, std::string why) {
  values_.set(name, std::move(json), now_ms_(), std::move(why));
}

void Asker::start_over() {
  locator_ready_ = false;
  for (const char* name : {"device.imei", "device.version"}) values_.forget(name, {});
  for (const char* name : kSimPoints) values_.forget(name, {});
  values_.forget_failures();
}

std::string_view Asker::sim_state() const {
  const std::string& json = values_.json("sim.state");
  return json.size() < 2 ? std::string_view() : std::string_view(json).substr(1, json.size() - 2);
}

bool Asker::searching() const {
  return values_.json("network.data_state") == "2" || values_.json("network.voice_state") == "2";
}

void Asker::set_sim(std::string_view state) {
  const std::string before(sim_state());
  set("sim.state", state.empty() ? std::string() : dtu::quoted(state));
  if (state == before) return;
  for (const char* name : kSimPoints) values_.forget(name, state == "ready" ? std::string() : sim_words(state));
  if (on_sim_) on_sim_(before, state);
  if (!before.empty()) news();
}

void Asker::registered(const char* which, std::string state, std::string technology) {
  set(which, std::move(state));
  set(std::string(which) + kAccess, std::move(technology));
  take_registrations();
}

std::string Asker::registered_technology() const {
  for (const char* which : {"+CEREG", "+CGREG", "+CREG"})
    if (const std::string& access = values_.json(std::string(which) + kAccess);
        !access.empty() && is_registered(values_.json(which)))
      return access;
  return {};
}

void Asker::take_registrations() {
  set("network.voice_state", values_.json("+CREG"));
  const std::string &eps = values_.json("+CEREG"), &gprs = values_.json("+CGREG");
  const bool by_gprs = !is_registered(eps) && (is_registered(gprs) || eps.empty());
  set("network.data_state", by_gprs ? gprs : eps);
}

// ---- reading a group

void Asker::read(Group group, Then then) {
  std::vector<Then>& waiting = reading_[group];
  waiting.push_back(std::move(then));
  if (waiting.size() > 1) return;
  switch (group) {
    case Group::identity:
      return read_identity();
    case Group::sim:
      return read_sim();
    case Group::poll:
      return poll(0);
    case Group::cells:
      return read_cells();
    case Group::adc_0:
    case Group::adc_1:
      return read_adc(group, group == Group::adc_0 ? 0 : 1);
    case Group::locator:
      return read_locator();
    case Group::gnss:
      return read_gnss();
  }
}

void Asker::finish(Group group) {
  std::vector<Then> told;
  told.swap(reading_[group]);
  for (const Then& then : told) then();
  if (group == Group::poll || group == Group::gnss || group == Group::locator) changed_();
}

void Asker::ask(std::string command, std::vector<AtForm> forms, const std::function<void(const AtResult&)>& done,
                uint32_t sim_busy_ms) {
  AtExchange exchange;
  exchange.command = std::move(command);
  exchange.forms = std::move(forms);
  exchange.sim_busy_ms = sim_busy_ms;
  exchange.done = done;
  if (modem_.engine().submit(std::move(exchange)) != 0) return;
  AtResult refused;
  refused.end = AtEnd::gone;
  refused.text = modem_.engine().refusal();
  done(refused);
}

void Asker::one(Group group, std::string command, AtForm form, std::function<void(const AtResult&)> take,
                std::function<void()> next) {
  constexpr uint32_t kPatienceMs = 30'000;
  ask(
      std::move(command), {std::move(form)},
      [this, group, take = std::move(take), next = std::move(next)](const AtResult& r) {
        take(r);
        next ? next() : finish(group);
      },
      kPatienceMs);
}

void Asker::read_identity() {
  const auto take = [this](const char* name, std::string (*reading)(std::string_view)) {
    return
        [this, name, reading](const AtResult& r) { set(name, r.lines.empty() ? "" : reading(r.lines.back()), r.text); };
  };
  const auto version = [](std::string_view line) { return dtu::quoted(line.substr(0, 64)); };
  one(Group::identity, "AT+CGSN", {"n"}, take("device.imei", readings::digits),
      [this, take, version] { one(Group::identity, "AT+CGMR", {"~"}, take("device.version", version)); });
}

void Asker::read_sim() {
  if (const std::string_view state = sim_state(); !state.empty() && state != "ready") {
    for (const char* name : kSimPoints) values_.forget(name, sim_words(state));
    return finish(Group::sim);
  }
  const auto take = [this](const char* name, std::string (*reading)(std::string_view), std::string none) {
    return [this, name, reading, none = std::move(none)](const AtResult& r) {
      set(name, r.lines.empty() ? "" : reading(r.lines.back()), r.ok() ? none : r.text);
    };
  };
  one(Group::sim, "AT+QCCID", {"+QCCID: _"}, take("sim.iccid", readings::iccid, ""), [this, take] {
    one(Group::sim, "AT+CIMI", {"n"}, take("sim.imsi", readings::digits, ""), [this, take] {
      one(Group::sim, "AT+CNUM", {"+CNUM: _,t,*", "", true},
          take("sim.number", readings::number, "the SIM does not know its number"));
    });
  });
}

bool Asker::wants(const Part& part) const {
  return (!part.needs || modem_.features().has(*part.needs)) && (part.needs != Feature::gnss || config_.gnss);
}

void Asker::poll(size_t first) {
  std::string command = "AT";
  std::vector<AtForm> forms;
  for (size_t i = first; i < std::size(kParts); ++i) {
    if (!wants(kParts[i])) continue;
    if (!forms.empty()) command += ';';
    command += kParts[i].command;
    forms.push_back({kParts[i].form});
  }
  if (forms.empty()) return finish(Group::poll);
  ask(
      std::move(command), std::move(forms), [this, first](const AtResult& r) { take_parts(first, r); }, 0);
}

// A part that the modem refuses ends the exchange: the parts behind it are asked again without it.
void Asker::take_parts(size_t first, const AtResult& r) {
  const bool refused = r.end == AtEnd::error || r.end == AtEnd::cme;
  for (size_t i = first; i < std::size(kParts); ++i) {
    const Part& part = kParts[i];
    if (!wants(part)) continue;
    const std::string_view prefix = std::string_view(part.form).substr(0, std::string_view(part.form).find(':') + 1);
    if (const std::string_view line = r.line(prefix); !line.empty()) {
      part.take(*this, r, line);
      continue;
    }
    if (!r.ok() && !refused) return finish(Group::poll);  // silent, restarted, gone: what was known grows old
    const std::string_view command = part.command;
    const std::string why = std::string(command.substr(0, command.find_first_of("?="))) + ": " +
                            (r.code >= 0 ? cme_words(r.code) : std::string("the modem refused it"));
    for (const char* name : part.points) set(name, "", r.ok() ? "" : why);
    if (command == "+CPIN?") set_sim(readings::sim_state_of_error(r.code));
    if (refused) return poll(i + 1);
  }
  finish(Group::poll);
}

void Asker::read_cells() {
  const auto take = [this](std::vector<std::string> lines, const AtResult& r) {
    lines.insert(lines.end(), r.lines.begin(), r.lines.end());
    set("network.cells", readings::cells(lines), "there is no cell");
    finish(Group::cells);
  };
  ask(
      "AT+QENG=\"servingcell\"", {{"+QENG: t,*"}},
      [this, take](const AtResult& serving) {
        if (!serving.ok()) {
          set("network.cells", "", serving.text);
          return finish(Group::cells);
        }
        ask(
            "AT+QENG=\"neighbourcell\"", {{"+QENG: t,*", "", true}},
            [take, lines = serving.lines](const AtResult& r) { take(lines, r); }, 0);
      },
      0);
}

void Asker::read_adc(Group group, int number) {
  const std::string name = "adc." + std::to_string(number);
  one(group, "AT+QADC=" + std::to_string(number), {"+QADC: n,n"}, [this, name](const AtResult& r) {
    set(name, readings::adc_volt(r.line("+QADC:")), r.ok() ? "the modem could not measure it" : r.text);
  });
}

void Asker::read_gnss() {
  one(Group::gnss, "AT+QGPSLOC=2", {"+QGPSLOC: *"}, [this](const AtResult& r) {
    const auto at = readings::gnss(r.line("+QGPSLOC:"));
    set("location.gnss", at ? at->json : "", r.ok() ? "no position fix yet" : r.text);
  });
}

// ---- the locator: token and order, a data connection, then where it is

void Asker::locator_step(std::string command, std::function<void(const AtResult&)> next) {
  const bool asks = command == "AT+QIACT?";
  ask(
      std::move(command), asks ? std::vector<AtForm>{{"+QIACT: *", "", true}} : std::vector<AtForm>{},
      [this, next = std::move(next)](const AtResult& r) {
        if (r.ok()) return next(r);
        set("location.cell", "", r.text);
        finish(Group::locator);
      },
      0);
}

void Asker::read_locator() {
  const auto connect = [this](const AtResult&) {
    locator_ready_ = true;
    locator_step("AT+QIACT?", [this](const AtResult& contexts) {
      if (contexts.line("+QIACT: 1,1").empty())
        return locator_step("AT+QIACT=1", [this](const AtResult&) { locate(); });
      locate();
    });
  };
  if (locator_ready_) return connect({});
  locator_step("AT+QLBSCFG=\"token\",\"" + config_.lbs_token + "\"",
               [this, connect](const AtResult&) { locator_step("AT+QLBSCFG=\"latorder\",1", connect); });
}

void Asker::locate() {
  one(Group::locator, "AT+QLBS", {"+QLBS: *"}, [this](const AtResult& r) {
    const std::string_view line = r.line("+QLBS:");
    const auto at = readings::locator(line);
    const auto code = at_number(at_fields(line), 0);
    set("location.cell", at ? at->json : "", code && *code != 0 ? qlbs_words(*code) : r.text);
  });
}

}  // namespace hal_ec600
