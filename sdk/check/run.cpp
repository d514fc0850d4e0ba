#include "run.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "config.hpp"
#include "descriptor_check.hpp"

namespace dtu::check {
namespace {

constexpr size_t each_rule_max = 3;  // findings of one rule that are told

// Of what a host refused, only what harms others counts: that something was not done is to be expected.
bool counts_when_refused(const std::string& rule) {
  constexpr const char* counted[] = {"contract.exception", "calls.after-stop", "calls.after-destroy",
                                     "calls.thread",       "data.taken",       "data.twice",
                                     "data.buffer-count",  "error.text",       "leak"};
  return std::any_of(std::begin(counted), std::end(counted), [&](const char* c) { return covers(c, rule); });
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  if (!in || !(all << in.rdbuf())) throw Usage(path + ": cannot be read");
  return all.str();
}

std::string first_lines(const std::string& text, size_t from, size_t lines) {
  size_t end = from;
  for (; lines > 0 && end < text.size(); --lines) end = std::min(text.find('\n', end), text.size() - 1) + 1;
  while (end > from && text[end - 1] == '\n') --end;
  return text.substr(from, end - from);
}

}  // namespace

Run::Run(const Options& options, Progress progress)
    : options_(options), progress_(std::move(progress)), trail_(Trail::make()) {}

Patience Run::patience() const { return {static_cast<int>(options_.patience_s * 1000), 120'000}; }

Result Run::go() {
  if (!options_.config.empty()) static_cast<void>(parse_json(read_file(options_.config)));  // before anything is run
  for (const Component& c : load()) check(c);
  return std::move(result_);
}

void Run::say(const std::string& r, const std::string& component, const std::string& during, const std::string& what) {
  if (!covers(options_.only, r)) return;
  auto& told = said_[{component, r}];
  if (told.size() >= each_rule_max || !told.insert(what).second) return;
  result_.findings.push_back({r, component, during, what});
}

// --- the file --------------------------------------------------------------------------------------------------------

std::vector<Run::Component> Run::load() {
  const ElfFacts facts = read_elf(options_.file);
  if (!facts.trouble.empty()) {
    result_.cannot = options_.file + ": " + facts.trouble;
    say("file.elf", "", "", facts.trouble);
    return {};
  }
  check_elf(facts, [this](const char* r, const std::string& what) { say(r, "", "", what); });
  progress_("loading");
  const Outcome outcome =
      run_child(*trail_, patience(), [&](Wire& wire) { check_descriptor(options_.file, facts, wire, *trail_); });
  Job file;
  output(file, "loading", outcome);
  for (const auto& f : outcome.findings) say(f.rule, "", "loading", f.what);
  if (!outcome.finished && said_.count({"", "contract.sanitizer"}) == 0)
    say(outcome.hung ? "load.hang" : "load.crash", "", "loading", "it " + outcome.death());
  std::vector<Component> all;
  const auto n = outcome.facts.find("components");
  for (size_t k = 0; n != outcome.facts.end() && k < std::stoul(n->second); ++k) {
    const std::string prefix = std::to_string(k);
    Component c;
    c.name = outcome.facts.at(prefix + ".name");
    c.schema = outcome.facts.at(prefix + ".schema");
    c.index = std::stoul(outcome.facts.at(prefix + ".index"));
    const std::string type = c.name.substr(c.name.find(':') + 1);
    if (options_.type.empty() || options_.type == c.name || options_.type == type) all.push_back(std::move(c));
  }
  if (all.empty() && !options_.type.empty())
    result_.cannot = options_.file + ": it holds no component \"" + options_.type + "\" that can be checked";
  return all;
}

// --- a component -----------------------------------------------------------------------------------------------------

std::string Run::given_config(const std::string& component) const {
  const auto all = object_of(parse_json(read_file(options_.config)));
  if (all.isNull()) throw Usage(options_.config + ": is not a JSON object");
  const auto names = all->getNames();
  const bool by_name = !names.empty() && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return (name.find("channel:") == 0 || name.find("hal:") == 0 || name.find("command:") == 0) &&
           object_of(all->get(name));
  });
  if (!by_name) return json_text(all);
  return all->has(component) ? json_text(all->get(component)) : "{}";
}

bool Run::configure(const Component& component, Job& job) {
  const Schema schema(component.schema);
  if (!schema.usable()) {
    say("check.skipped", component.name, "", "the schema cannot be used, so there is no configuration to check with");
    return false;
  }
  const auto settings = schema.properties();  // "document": the keys it owns
  job.takes_settings = std::any_of(settings.begin(), settings.end(), [](const auto& s) { return s != "document"; });
  auto config = schema.completed(options_.config.empty() ? "{}" : given_config(component.name));
  const std::string why = schema.why();
  if (!config && options_.config.empty())
    if (const auto example = schema.example()) config = schema.completed(*example);
  if (!config && options_.config.empty() && said_.count({"", "schema.default"}) != 0) {
    say("check.skipped", component.name, "",
        "the defaults do not fit the schema, so there is no configuration to check with");
    return false;
  }
  if (!config) {
    say("schema.config", component.name, "",
        options_.config.empty() ? "{} is not a valid configuration: " + why + "; nothing was run"
                                : options_.config + ": " + why);
    return false;
  }
  job.config = *config;
  job.changed_config = schema.changed(job.config).value_or("");
  job.secret_config = schema.marked(job.config, job.secrets).value_or("");
  return true;
}

void Run::check(const Component& component) {
  Job job;
  job.file = options_.file;
  job.index = component.index;
  job.name = component.name;
  job.call_commands = options_.call;
  job.patience_ms = static_cast<int>(options_.patience_s * 1000);
  job.up_ms = std::min(job.up_ms, job.patience_ms);
  result_.checked.push_back(component.name);
  if (!configure(component, job)) return;
  std::map<std::string, std::string> facts;
  bool usable = true;
  for (const Scenario& scenario : all_scenarios()) {
    if (scenario.after_use && (!usable || facts.count("lives") == 0)) continue;
    if (scenario.run == strain::rounds && outlives(component.name)) continue;
    // What was created is taken down again without a start, and that is known not to work.
    if (scenario.run == strain::broken_configurations && said_.count({component.name, "life.stop-without-start"}) != 0)
      continue;
    job.stops_late = said_.count({component.name, "life.stop-late"}) != 0;
    job.never_replies = said_.count({component.name, "reply.never"}) != 0;
    const bool lived = play(scenario, job, facts);
    const bool first_two = scenario.rule == nullptr && facts.count("called") == 0;
    if (first_two && !lived) usable = false;
    if (facts.count("up") == 0) job.up_ms = std::min(job.up_ms, 50);  // it did not come up before: it will not now
  }
  if (!usable) {
    if (facts.count("lives") != 0)
      say("check.skipped", component.name, "", "the other checks: the component ends its process in use");
    return;
  }
  std::istringstream called(facts["called"]);
  for (std::string function; std::getline(called, function);) {
    job.refused = function;
    play(refusal_scenario(), job, facts);
  }
}

// Something of it goes on after destroy(): what forgets its host then would only crash.
bool Run::outlives(const std::string& component) const {
  return said_.count({component, "calls.after-destroy"}) != 0 || said_.count({component, "leak.threads"}) != 0;
}

bool Run::play(const Scenario& scenario, const Job& job, std::map<std::string, std::string>& facts) {
  progress_(job.name + ": " + scenario.name + (job.refused.empty() ? "" : " " + job.refused));
  std::vector<std::unique_ptr<Bench>> benches;  // the child's; it ends without destroying them
  std::unique_ptr<Part> part;
  const Outcome outcome = run_child(*trail_, patience(), [&](Wire& wire) {
    trail_->enter("loading it");
    const Opened opened = open_plugin(job.file);
    trail_->leave();
    if (opened.descriptor == nullptr) throw std::runtime_error(job.file + " cannot be opened any more");
    part = std::make_unique<Part>(*opened.descriptor->components[job.index]);
    Stage stage{wire, *trail_, *part, job, benches};
    scenario.run(stage);
  });
  for (const auto& [key, value] : outcome.facts) facts[key] = value;
  take(scenario, job, outcome);
  return outcome.finished;
}

void Run::take(const Scenario& scenario, const Job& job, const Outcome& outcome) {
  const std::string during = std::string(scenario.name) + (job.refused.empty() ? "" : ": " + job.refused);
  output(job, during, outcome);
  for (const auto& f : outcome.findings) {
    const bool itself =
        scenario.kind != Scenario::ordering || rule(f.rule).severity != Severity::error || f.rule == scenario.rule;
    if (!job.refused.empty() && !counts_when_refused(f.rule)) continue;
    if (itself)
      say(f.rule, job.name, during, f.what);
    else if (said_.count({job.name, f.rule}) == 0)
      say(scenario.rule, job.name, during, f.what + " (" + f.rule + ")");
  }
  if (!outcome.finished) death(scenario, job, outcome);
}

void Run::death(const Scenario& scenario, const Job& job, const Outcome& outcome) {
  const std::string during = std::string(scenario.name) + (job.refused.empty() ? "" : ": " + job.refused);
  std::string broken = outcome.hung ? "contract.hang" : outcome.signal != 0 ? "contract.crash" : "process.exit";
  if (scenario.rule != nullptr) broken = scenario.rule;
  if (outcome.memory_rule != nullptr) broken = outcome.memory_rule;
  if (outcome.signal == 0 && !outcome.hung && said_.count({job.name, "contract.sanitizer"}) != 0) return;
  // A death in a function it died in before says nothing new.
  if (!deaths_.insert(job.name + " " + outcome.function.substr(0, outcome.function.find(" of "))).second) return;
  std::string last = outcome.output;
  while (!last.empty() && last.back() == '\n') last.pop_back();
  last.erase(0, last.rfind('\n') + 1);
  say(broken, job.name, during,
      "it " + outcome.death() + (last.empty() ? "" : "; last output: " + last.substr(0, 120)));
}

void Run::output(const Job& job, const std::string& during, const Outcome& outcome) {
  const std::string& text = outcome.output;
  if (text.empty()) return;
  size_t report = std::string::npos;
  for (const char* mark :
       {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error: "})
    report = std::min(report, text.find(mark));
  if (report != std::string::npos) {
    const size_t line = text.rfind('\n', report) == std::string::npos ? 0 : text.rfind('\n', report) + 1;
    return say("contract.sanitizer", job.name, during, first_lines(text, line, 12));
  }
  if (outcome.signal != 0) return;  // the run-time's last words are told with the death
  say("process.prints", job.name, during, "it wrote: " + first_lines(text, 0, 1).substr(0, 120));
}

}  // namespace dtu::check
