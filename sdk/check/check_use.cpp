// check(): what it says of configurations, beside what create() does with them.
#include "check_use.hpp"

#include "process_state.hpp"
#include "scenarios.hpp"

namespace dtu::check {
namespace {

// One call: what it said, as it said it.
class Listener {
 public:
  explicit Listener(Bench& bench) : bench_(bench) {}

  Checked ask(const std::string& text) {
    const LentText lent(bench_.storage, text);
    dtu_error error = Bench::fresh_error();
    const dtu_status status = bench_.call("check()", [&] {
      return bench_.part.ops().check(
          lent.get(), [](void* self, const dtu_finding* f) { static_cast<Listener*>(self)->take(f); }, this, &error);
    });
    bench_.judge("check()", status, error);
    checked_.looked = status == DTU_OK;
    return std::move(checked_);
  }

 private:
  void take(const dtu_finding* finding) {
    const auto wrong = [&](const std::string& what) { bench_.found("config.finding", "check() told " + what); };
    if (finding == nullptr || finding->struct_size < sizeof *finding) return wrong("a finding of no size");
    const std::string path = said(finding->path), text = said(finding->text);
    const bool fault = finding->level == DTU_FINDING_ERROR || finding->level == DTU_FINDING_WARNING;
    const bool name = finding->level == DTU_FINDING_CLAIM || finding->level == DTU_FINDING_OFFER;
    if (!fault && !name) return wrong("a finding of level " + std::to_string(finding->level));
    if (!path.empty() && path.front() != '/') return wrong("the path \"" + path + "\", which is no JSON pointer");
    if (text.empty()) return wrong("a finding without a text");
    if (!is_utf8(path) || !is_utf8(text)) return wrong("a text that is no UTF-8");
    if (name && text.find(':') == std::string::npos) return wrong("the name \"" + text + "\" without a kind:");
    bench_.look_for_secrets("a finding of check()", path + " " + text);
    if (finding->level != DTU_FINDING_ERROR) return;
    if (checked_.errors++ == 0) checked_.first = text;
  }

  Bench& bench_;
  Checked checked_;
};

}  // namespace

std::optional<Checked> checked(Bench& bench, const std::string& text) {
  if (bench.part.ops().check == nullptr) return std::nullopt;
  return Listener(bench).ask(text);
}

void compare(Bench& bench, const std::string& name, const std::optional<Checked>& checked, const Subject& created) {
  const bool refused = !created.alive() && (created.status() == DTU_E_INVALID || created.status() == DTU_E_EXCEPTION);
  if (refused && checked && checked->looked && checked->errors == 0)
    bench.found("config.check",
                "create() refuses " + name + " (" + created.error() + "), check() finds no error in it");
}

namespace life {

void checked_alone(Stage& stage) {
  Bench& b = stage.bench();
  if (b.part.ops().check == nullptr) return;
  const ProcessState before = ProcessState::now();
  for (const std::string& config : {b.job.config, b.job.changed_config, b.job.secret_config}) {
    if (config.empty()) continue;
    const auto told = checked(b, config);
    Subject s(b, "an instance");
    const bool lives = s.create(config);
    compare(b, "a valid configuration", told, s);
    if (lives && told && told->errors != 0 && config == b.job.config)
      b.found("config.check-refuses", "check() finds an error in the given configuration: " + told->first);
    if (lives) s.destroy();
  }
  const ProcessState after = ProcessState::now();
  for (const auto& [rule, what] : changes(before, after)) b.found(rule, "check() " + what);
  if (after.descriptors.size() > before.descriptors.size())
    b.found("leak.descriptors", "after check() more descriptors are open than before");
}

}  // namespace life
}  // namespace dtu::check
