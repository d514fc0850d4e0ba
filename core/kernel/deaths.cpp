// What a start makes of the end of the dtud before it.
#include "kernel/kernel.hpp"
#include "log/counted.hpp"

namespace dtud {

// What the dtud before this one died of. Before the instances of this one are made: they are the newer ones.
void Kernel::tell_of_death() {
  if (!killers_.last()) return;
  const plugins::Killers::Death& death = *killers_.last();
  const std::string in = death.instance.empty() ? "" : death.function + " of " + death.instance;
  std::string text = "the dtud before this one " + death.how + (in.empty() ? " in no call of a plugin" : " in " + in);
  if (!death.beside.empty()) text += "; other lanes were in a call: " + death.beside;
  if (!death.counts) return log_.warning("kernel", text + ": this counts against no plugin");
  const plugins::LoadedPlugin* plugin = components_.loaded(death.plugin);
  plugins::Faults& faults = instances_.faults().of(death.instance, death.plugin);
  faults.note(plugins::Fault::fatal, death.function,
              "has ended dtud, which " + death.how +
                  (plugin != nullptr ? "; the file is " + plugin->file.string() : std::string()));
  calls_.note("kernel", "dtud.died", true, {DTU_E_INTERNAL, "", text});
  if (death.held)
    calls_.note("kernel", "plugins.quarantine", true,
                {DTU_E_INTERNAL, "", death.instance + ": " + counted(death.deaths, "death") + " of dtud in it"});
}

// A build that is tried and the death of dtud in a call of its plugin: the build before is used again. It costs another
// restart, for the file is open by now.
bool Kernel::take_back_build() {
  if (!build_trial_.left()) return false;
  BuildTrial::Record trial = *build_trial_.left();
  const auto tell = [&](const std::string& why) {
    log_.error("plugins",
               trial.plugin + " " + trial.version + " failed: " + why + "; " + trial.from + " is used again");
    announcements_.plugin_rolled_back(trial.plugin, trial.version, trial.from, why);
    build_trial_.over();
    return false;
  };
  if (!trial.taken_back.empty()) return tell(trial.taken_back);
  const auto& death = killers_.last();
  if (!death || !death->counts || death->plugin != trial.plugin) {
    if (trial.chosen)
      plugin_upgrade_.go_on_proving();
    else
      build_trial_.over();
    return false;
  }
  const std::string why = "dtud " + death->how + " in " + death->function + " of " + death->instance;
  plugins::Store& store = components_.store();
  const plugins::Installed* installed = store.find(trial.plugin);
  const bool used = installed != nullptr && installed->sha256 == trial.sha256;
  std::string error;
  const auto done = [&error](const std::string& problem) { error = problem; };  // at once: this is a start
  if (used) store.go_back(trial.plugin, done);
  if (error.empty()) store.mark_failed(trial.sha256, why, done);
  if (!error.empty()) log_.error("plugins", error);
  if (!used || !error.empty()) return tell(why);
  trial.taken_back = why;
  build_trial_.write(trial);
  log_.error("plugins", trial.plugin + " " + trial.version + " failed: " + why + "; dtud restarts with " + trial.from);
  return true;
}

std::string Kernel::held_hals() const {
  std::string held;
  for (const auto& member : members_)
    if (member->component().kind == DTU_KIND_HAL && !member->quarantine().empty())
      held += (held.empty() ? "" : "; ") + member->name() + " is " + member->error();
  return held;
}

}  // namespace dtud
