#include "service.hpp"

#include <unistd.h>

#include <fstream>
#include <utility>

#include "../at_chain.hpp"

namespace hal_ec600::data {
namespace {

constexpr uint64_t kTick_ms = 1'000;
constexpr int64_t kNsPerMs = 1'000'000, kMsPerS = 1'000;

std::vector<std::string> read_program(const dtu::Json& program, const std::string& path, const std::string& interface) {
  constexpr std::string_view kPlace = "{interface}";
  std::vector<std::string> words;
  program.each([&](std::string_view, const dtu::Json& word) {
    std::string text = word.text();
    for (size_t at = 0; (at = text.find(kPlace, at)) != std::string::npos; at += interface.size())
      text.replace(at, kPlace.size(), interface);
    words.push_back(std::move(text));
  });
  if (!words.empty() && words.front().substr(0, 1) != "/")
    throw dtu::Failure(DTU_E_INVALID, "\"" + words.front() + "\" is no absolute path: name the program from / on")
        .at(path);
  return words;
}

std::vector<std::vector<std::string>> read_programs(const dtu::Json& list, const std::string& path,
                                                    const std::string& interface) {
  std::vector<std::vector<std::string>> programs;
  list.each([&](std::string_view, const dtu::Json& program) {
    programs.push_back(read_program(program, path + "/" + std::to_string(programs.size()), interface));
  });
  return programs;
}

std::optional<uint64_t> counter(const std::string& file) {
  std::ifstream in(file);
  uint64_t value = 0;
  if (!(in >> value)) return std::nullopt;
  return value;
}

Limits limits_of(const Settings& s) {
  Limits limits;
  limits.proof_ms = s.proof_s * kMsPerS;
  limits.probe_ms = s.probe_s * kMsPerS;
  limits.has_probe = !s.probe.empty();
  limits.has_context = s.mode != "ppp";
  return limits;
}

}  // namespace

Settings read_settings(const dtu::Json& data) {
  Settings s;
  s.mode = data["mode"].text(s.mode);
  s.interface = data["interface"].text(s.interface);
  s.up = read_programs(data["up"], "/data/up", s.interface);
  s.down = read_programs(data["down"], "/data/down", s.interface);
  s.probe = read_program(data["probe"], "/data/probe", s.interface);
  s.proof_s = static_cast<uint32_t>(data["proof_s"].integer(s.proof_s));
  s.probe_s = static_cast<uint32_t>(data["probe_s"].integer(s.probe_s));
  s.program_s = static_cast<uint32_t>(data["program_s"].integer(s.program_s));
  s.sysfs = data["sysfs"].text(s.sysfs);
  if (s.on() && s.up.empty())
    throw dtu::Failure(DTU_E_INVALID, "name the programs that bring up " + s.interface + ", such as ip and udhcpc")
        .at("/data/up");
  return s;
}

void check(const Settings& s, const dtu::Findings& found) {
  if (!s.on()) return;
  found.claim("/data/interface", "network-interface:" + s.interface);
  const auto expect = [&](const std::vector<std::string>& program, const std::string& path) {
    if (!program.empty() && ::access(program.front().c_str(), X_OK) != 0)
      found.warning(path, program.front() + " cannot be run: install the program, or correct its path");
  };
  for (size_t i = 0; i < s.up.size(); ++i) expect(s.up[i], "/data/up/" + std::to_string(i));
  for (size_t i = 0; i < s.down.size(); ++i) expect(s.down[i], "/data/down/" + std::to_string(i));
  expect(s.probe, "/data/probe");
}

Service::Service(dtu::Host host, Modem& modem, Settings settings, std::function<bool()> registered)
    : host_(host),
      modem_(modem),
      settings_(std::move(settings)),
      registered_(std::move(registered)),
      path_(limits_of(settings_)) {
  if (!settings_.on()) return;
  modem_.engine().on_urc("+QIURC: \"pdpdeact\"", [this](std::string_view line, std::string_view) {
    if (at_number(at_fields(line), 1).value_or(1) == 1) path_.dropped(now_ms(), "the network ended the context");
  });
}

void Service::start() {
  if (!settings_.on()) return;
  timer_.emplace(host_, [this] { step(); });
  timer_->arm_ms(kTick_ms, kTick_ms);
}

void Service::stop() {
  timer_.reset();
  program_.reset();
}

int64_t Service::now_ms() const { return host_.monotonic_ns() / kNsPerMs; }

void Service::access_point_changed() {
  if (settings_.on()) path_.changed(now_ms());
}

// The modem leaves the answer to a toggle alone when it restarts meanwhile.
void Service::modem_unready() {
  if (std::exchange(toggling_, false)) end(false, "the modem restarted");
}

Seen Service::look() const {
  const std::string statistics = settings_.sysfs + "/class/net/" + settings_.interface + "/statistics/";
  const auto rx = counter(statistics + "rx_bytes"), tx = counter(statistics + "tx_bytes");
  Seen seen;
  seen.modem = modem_.is_ready();
  seen.registered = registered_();
  seen.link = rx.has_value() && tx.has_value();
  seen.wanted = wanted_;
  seen.may_toggle = modem_.budget().used() < WearBudget::kPerDay;
  seen.rx = rx.value_or(0);
  seen.tx = tx.value_or(0);
  return seen;
}

void Service::step() {
  if (!timer_) return;
  const Action action = path_.next(now_ms(), look());
  const State state = path_.state();
  if (state != told_ && state == State::proved) host_.info("data over " + settings_.interface + " works");
  if (state != told_ && state == State::waiting)
    host_.warn("data over " + settings_.interface + ": " + path_.why() + "; next: the " + name_of(path_.level()) +
               " anew");
  told_ = state;
  if (action != Action::none) begin(action);
}

void Service::begin(Action action) {
  switch (action) {
    case Action::none:
      return;
    case Action::down:
      return run(settings_.down, 0);
    case Action::up:
      return run(settings_.up, 0);
    case Action::probe:
      return run({settings_.probe}, 0);
    case Action::activate:
      return activate();
    case Action::deactivate:
      return ask({"AT+QIDEACT=1"});
    case Action::register_again:
      return ask({"AT+CGATT=0", "AT+CGATT=1"});
    case Action::toggle_radio:
      return toggle();
  }
}

void Service::end(bool ok, const std::string& why) {
  path_.done(now_ms(), ok, why);
  step();
}

void Service::run(const std::vector<std::vector<std::string>>& programs, size_t index) {
  if (index == programs.size()) return end(true, "");
  const std::string name = programs[index].front();
  dtu_program::Program::Task task;
  task.argv = programs[index];
  task.timeout_s = settings_.program_s;
  try {
    program_ = std::make_unique<dtu_program::Program>(
        host_, std::move(task), [this, programs, index, name](const dtu_program::Program::Ended& ended) {
          const std::string trouble = ended.trouble;
          const auto over = std::move(program_);  // until this has returned
          if (!trouble.empty()) return end(false, name + ": " + trouble);
          run(programs, index + 1);
        });
  } catch (const dtu::Failure& failure) {
    end(false, failure.what());
  }
}

// QIACT of a context that is active is an error: it is looked at first.
void Service::activate() {
  AtExchange look;
  look.command = "AT+QIACT?";
  look.forms = {{"+QIACT: n,n,*", "", true}};
  look.done = [this](const AtResult& r) {
    if (!r.ok()) return end(false, r.text);
    for (const std::string& line : r.lines) {
      const auto fields = at_fields(line);
      if (at_number(fields, 0) == 1 && at_number(fields, 1) == 1) return end(true, "");
    }
    ask({"AT+QIACT=1"});
  };
  if (modem_.engine().submit(std::move(look)) == 0) end(false, modem_.engine().refusal());
}

void Service::ask(std::vector<std::string> commands) {
  std::vector<AtExchange> steps;
  for (std::string& command : commands) {
    steps.emplace_back();
    steps.back().command = std::move(command);
  }
  run_chain(modem_.engine(), std::move(steps),
            [this](const std::vector<AtResult>& results) { end(results.back().ok(), results.back().text); });
}

void Service::toggle() {
  toggling_ = true;
  const std::string refused = modem_.toggle_radio([this](const AtResult& r) {
    if (std::exchange(toggling_, false)) end(r.ok(), r.text);
  });
  if (!refused.empty() && std::exchange(toggling_, false)) end(false, refused);
}

std::string Service::health() const {
  if (!settings_.on()) return R"({"mode":"none"})";
  const Seen seen = look();
  std::string out = "{\"mode\":" + dtu::quoted(settings_.mode) + ",\"interface\":" + dtu::quoted(settings_.interface) +
                    ",\"state\":\"" + name_of(path_.state()) +
                    "\",\"for_s\":" + std::to_string((now_ms() - path_.since_ms()) / kMsPerS) + ",\"level\":\"" +
                    name_of(path_.level()) + "\"";
  if (!path_.why().empty()) out += ",\"trouble\":" + dtu::quoted(path_.why());
  const auto add = [&out](const std::string& name, uint64_t value) {
    out += ",\"" + name + "\":" + std::to_string(value);
  };
  add("failures", path_.failures());
  add("proofs", path_.proofs());
  for (size_t i = 0; i < kLevels; ++i) {
    const auto level = static_cast<Level>(i);
    add(std::string(name_of(level)) + "_begun", path_.begun(level));
  }
  if (seen.link) add("received", seen.rx), add("sent", seen.tx);
  return out + "}";
}

}  // namespace hal_ec600::data
