#include "kernel/kernel.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "config/json_text.hpp"
#include "config/places.hpp"
#include "config/store.hpp"
#include "control/listener.hpp"
#include "kernel/builtins.hpp"
#include "kernel/state_folder.hpp"
#include "kernel/trim.hpp"
#include "kernel/version.hpp"
#include "plugins/sound.hpp"

namespace dtud {
namespace {

constexpr uint32_t kStopDeadline_ms = 2000;
constexpr int64_t kSettledAfter_ms = 1500;
constexpr int64_t kRunsWellAfter_ms = 10'000;
constexpr int64_t kMs = 1'000'000;

constexpr size_t kMostText = 1U << 20U;

// Where to look for plugins, and which to open, has to be known before the rest of the board file can be checked
// against them. read_board says what is wrong with it; until then whatever is no clear "no" means that signatures are
// required.
struct PluginSearch {
  std::vector<std::string> folders, keys;
  bool require_signed = false;
  std::string state_dir = "/var/lib/dtukit";
};
PluginSearch plugin_search_of(const std::string& board) {
  PluginSearch search;
  config::Findings ignored;
  const auto json = config::read_json(board, "", ignored);
  const config::JsonObject* object = json ? config::as_object(*json) : nullptr;
  if (object == nullptr) return search;
  const auto texts = [](const config::Json& list, std::vector<std::string>& to) {
    if (const config::JsonArray* entries = config::as_list(list))
      for (const config::Json& text : *entries) to.push_back(config::as_text(text));
  };
  texts(object->get("plugin_path"), search.folders);
  search.state_dir = config::as_text(object->get("state_dir"), search.state_dir);
  const config::Json plugins = object->get("plugins");
  if (const config::JsonObject* rules = config::as_object(plugins)) {
    texts(rules->get("keys"), search.keys);
    search.require_signed = rules->has("require_signed") && config::as_flag(rules->get("require_signed"), true);
  }
  return search;
}

}  // namespace

Kernel::Kernel(KernelOptions options, Lane& lane, Log& log)
    : RoutedUpcalls(router_),
      given_(std::move(options)),
      options_(given_),
      lane_(lane),
      log_(log),
      disk_(lane),
      killers_(log),
      components_(log),
      checks_(lane, components_, killers_, options_.check),
      stalls_({}, [this](const StallWatch::Stall& stall) { stalled(stall); }),
      inbox_(lane, *this),
      events_(lane),
      context_{lane, log, *this, inbox_, metrics_, stalls_, instances_, {}},
      instances_(context_),
      isolation_(context_, config::child_program("dtu-plugin-host").string()),
      storage_(lane, log, disk_),
      router_(lane, log),
      announcements_({lane, events_, instances_, router_, members_}),
      calls_(lane, log, directory_, access_),
      answers_(lane, calls_, router_),
      device_(context_, router_, components_, storage_),
      changes_({lane, log, disk_, components_, checks_, device_, router_, access_, calls_, answers_, announcements_}),
      registration_(lane, log, calls_, router_, [this] { return changes_.latest().version; }),
      indicators_(
          lane, log, directory_, calls_, [this] { return connected(); },
          [this] { changes_.factory_reset("the reset input was pulled low"); }),
      network_settings_(log, directory_, calls_),
      upgrades_({lane, log, disk_, directory_, calls_, events_,
                 [this](const std::string& how) { restart_soon(how == "board" ? End::reboot : End::restart); },
                 [this] { return proven(); }}),
      watchdog_(lane, [this] { return is_well(); }),
      build_trial_(log),
      plugin_upgrade_({lane,
                       log,
                       components_,
                       changes_,
                       {context_, router_, device_, directory_, calls_},
                       members_,
                       [this](const config::Schemas& schemas, config::Findings& findings) {
                         return config::read_board(board_text_, options_.board_file, schemas, findings);
                       },
                       [this] { return why_busy(); },
                       announcements_,
                       build_trial_}) {
  context_.isolation = &isolation_;
  context_.events = &events_;
  context_.killers = &killers_;
  device_.on_owned([this](const auto& device, auto& changed) { give_keys(device, changed); });
  device_.on_rebuilt([this](const config::DeviceConfig& device) {
    indicators_.configure(device.pins);
    indicators_.look();
    network_settings_.configure(device.apn);
    announcements_.look_at_ports();
  });
  // After the answer to whoever guessed, which is given in this turn.
  access_.on_locked([this](const std::string& source, int64_t seconds) {
    lane_.post([this, source, seconds] { announcements_.access_locked(source, seconds); });
  });
  device_.on_no_hal([this] { return held_hals(); });
  stalls_.add(lane_);
  settled_timer_ = lane_.timers().create(settled, this);
}

Kernel::~Kernel() {
  stalls_.remove(lane_);  // what it would tell of is about to go
  lane_.timers().destroy(settled_timer_);
}

void Kernel::settled(void*) { give_back_memory(); }

// key: "state_dir". A check goes on: it finds the rest, too.
bool Kernel::can_keep_in(const std::string& folder, const char* key, const char* content, config::Findings& findings) {
  if (folder.empty() || folder.front() != '/') return true;  // read_board() refuses it
  const FolderTrouble trouble = look_at_folder(folder, content, !options_.check);
  if (trouble.text.empty()) return true;
  findings.push_back({trouble.fatal ? config::Finding::Severity::error : config::Finding::Severity::warning,
                      options_.board_file, std::string("/") + key, 0, 0, trouble.text});
  return !trouble.fatal;
}

bool Kernel::lock(const std::string& folder, const char* key, config::Findings& findings) {
  if (options_.check) return true;
  const RunLock::Taken taken = run_lock_.take(folder);
  if (taken.ok && taken.problem.empty()) return true;
  findings.push_back({taken.ok ? config::Finding::Severity::warning : config::Finding::Severity::error,
                      options_.board_file, std::string("/") + key, 0, 0,
                      taken.problem + (taken.ok ? "" : std::string(": stop it, or set another ") + key)});
  return taken.ok;
}

bool Kernel::can_listen(config::Findings& findings) {
  const std::string& path = options_.socket;
  bool good = can_keep_in(path.substr(0, path.rfind('/')), "control/socket", "control socket", findings);
  if (const std::string why = control::why_no_socket(path); good && !why.empty()) {
    findings.push_back({config::Finding::Severity::error, options_.board_file, "/control/socket", 0, 0, path + why});
    good = false;
  }
  return good;
}

// Data goes through without the folder. Without the control socket nobody could ask.
bool Kernel::take_runtime_folder(config::Findings& findings) {
  const bool listens = can_listen(findings);
  std::string& folder = board_.runtime_dir;
  const bool own = !folder.empty();
  if (!own) folder = options_.socket.substr(0, options_.socket.rfind('/'));
  const bool usable = own ? can_keep_in(folder, "runtime_dir", "journal", findings) : listens;
  const bool locked = !usable || lock(folder, "runtime_dir", findings);
  if (options_.check) return true;
  if (!listens || !locked) return false;
  // Before the first call into a plugin.
  killers_.begin(folder);
  killers_.page().seat(lane_);
  return true;
}

bool Kernel::load(config::Findings& findings) {
  config::FileError error;
  const auto text = config::read_file(options_.board_file, kMostText, error);
  if (!text) {
    findings.push_back({config::Finding::Severity::error, options_.board_file, "", 0, 0, error.text});
    return false;
  }
  board_text_ = *text;
  components_.add_built_in(options_.built_in);
  const PluginSearch search = plugin_search_of(*text);
  const std::string& kept_in = options_.state_dir.empty() ? search.state_dir : options_.state_dir;
  const bool kept = can_keep_in(kept_in, "state_dir", "state", findings);
  if (!options_.check && (!kept || !lock(kept_in, "state_dir", findings))) return false;
  const auto problems = components_.search(search.folders, {config::child_program("dtu-plugin-probe").string(),
                                                            kept_in + "/plugins",
                                                            search.keys,
                                                            search.require_signed,
                                                            kVersion,
                                                            options_.check,
                                                            {}});
  for (const std::string& problem : problems) {
    if (search.folders.empty())
      log_.warning("plugins", problem);
    else
      findings.push_back({config::Finding::Severity::warning, options_.board_file, "/plugin_path", 0, 0, problem});
  }
  checks_.board_is(*text, options_.board_file);
  const auto schemas = options_.check ? checks_.schemas() : components_.schemas();
  config::Findings of_board;
  const auto board = config::read_board(*text, options_.board_file, schemas, of_board);
  const size_t place = findings.size();
  const auto add_those_of_the_board = [&] {
    findings.insert(findings.begin() + static_cast<ptrdiff_t>(place), of_board.begin(), of_board.end());
  };
  if (!board) {
    add_those_of_the_board();
    components_.searched();
    return false;
  }
  board_ = *board;
  components_.set_hals(board_.hal);
  for (const std::string& secret : board_.secrets) log_.scrubber().add(secret);
  if (board_.commands) {
    std::vector<std::string> types;
    for (const config::ComponentConfig& command : *board_.commands) types.push_back(command.type);
    components_.only_commands(std::move(types));
  }
  for (const std::string& why : components_.disputed_keys())
    findings.push_back({config::Finding::Severity::error, options_.board_file, "/commands", 0, 0, why});
  if (options_.check && !board_.commands) {
    for (const std::string& type : components_.types(DTU_KIND_COMMAND)) {
      std::string why;
      if (!config::default_config(type, components_.schemas(), why))
        findings.push_back({config::Finding::Severity::warning, options_.board_file, "/commands", 0, 0,
                            "command " + type + " is not started: " + why + ": name it in this list"});
    }
  }
  if (options_.state_dir.empty()) options_.state_dir = board_.state_dir;
  if (options_.device_file.empty()) options_.device_file = board_.device_file;
  if (options_.socket.empty()) options_.socket = board_.control_socket;
  if (!take_runtime_folder(findings)) {
    add_those_of_the_board();
    components_.searched();
    return false;
  }
  storage_.set_folders(options_.state_dir, board_.runtime_dir);
  kv_ = std::make_unique<plugins::KvStore>(options_.state_dir + "/kv", disk_);
  context_.kv = kv_.get();
  folders_ = std::make_unique<plugins::Folders>(lane_, disk_, options_.state_dir + "/folders",
                                                uint64_t{board_.plugins.folder_mb} << 20U);
  context_.folders = folders_.get();

  changes_.load(options_.device_file, options_.state_dir, board_.factory_file, schemas, findings);
  // Before a member is created, which may quote the key it owns.
  for (const std::string& secret : config::secret_values(changes_.latest())) log_.scrubber().add(secret);
  if (options_.check) {  // now that the keys of the document are known to those who own some
    of_board.clear();
    (void)config::read_board(*text, options_.board_file, schemas, of_board);
  }
  add_those_of_the_board();
  components_.searched();
  return true;
}

void Kernel::start() {
  started_ns_ = monotonic_ns();
  add_builtins(*this);
  lane_.add_turn_hook([this] { return (void)directory_.listing(), false; });
  calls_.audit().keep_in(options_.state_dir + "/audit.log");
  if (const std::string damage = calls_.audit().look(); !damage.empty()) log_.error("audit", damage);
  calls_.audit().write_on(disk_, [this](const std::string& problem) { log_.error("audit", problem); });
  tell_of_death();
  build_trial_.begin(options_.state_dir + "/plugins");
  if (take_back_build()) return shutdown(End::restart);
  components_.write_on(disk_);
  build_trial_.write_on(disk_);
  killers_.write_on(disk_);
  for (const config::ComponentConfig& hal : board_.hal) add_member(DTU_KIND_HAL, hal);
  if (board_.commands) {
    for (const config::ComponentConfig& command : *board_.commands) add_member(DTU_KIND_COMMAND, command);
  } else {
    for (const std::string& type : components_.types(DTU_KIND_COMMAND)) {
      std::string error;
      if (const auto defaults = config::default_config(type, components_.schemas(), error))
        add_member(DTU_KIND_COMMAND, {type, *defaults, std::nullopt});
      else
        log_.error("command " + type, error + ": not started; name it in \"commands\" of the board file");
    }
  }
  upgrades_.start(board_, options_.state_dir);
  for (const auto& member : members_) directory_.seat(*member);
  for (const auto& member : members_) {
    if (member->component().kind == DTU_KIND_HAL) directory_.expect(*member);
    member->start();
    if (!member->quarantine().empty()) directory_.listed(*member);  // it offers nothing
  }
  changes_.start();
  announcements_.board_started();
  watchdog_.start();
}

void Kernel::reload() {
  changes_.reload([this](const Changes::Outcome& outcome) {
    const config::Finding* error = config::first_new_error(outcome.findings);
    const std::string why = outcome.taken || error == nullptr ? "" : config::to_text(*error);
    for (const config::Finding& f : outcome.findings)
      log_.write(f.severity == config::Finding::Severity::error ? Level::error : Level::warning, "config",
                 config::to_text(f));
    if (!outcome.note.empty()) log_.warning("config", outcome.note);
    calls_.note("signal", "config.reload", true, {outcome.taken ? DTU_OK : DTU_E_INVALID, "", why});
  });
}

void Kernel::add_member(uint32_t kind, const config::ComponentConfig& config) {
  const Components::Found found = components_.find(kind, config.type);
  if (found.component == nullptr || (found.described && !config.isolate)) return;
  std::string name = (kind == DTU_KIND_HAL ? "hal " : "command ") + config.type;
  const auto same = std::count_if(members_.begin(), members_.end(), [&](const auto& m) {
    return m->component().kind == kind && m->component().type == config.type;
  });
  if (same != 0) name += " " + std::to_string(same + 1);
  if (!found.component->dialects.empty() && (found.component->caps & DTU_CAP_BLOCKING) != 0) {
    log_.error(name, "a component with a dialect must not block (DTU_CAP_BLOCKING): not started");
    return;
  }
  std::string json = config.json;
  if (!found.component->keys.empty()) json = config::with_document(json, kind, config.type, changes_.latest().owned);
  const plugins::LoadedComponent* component = found.component;
  if (config.isolate) component = &isolation_.stand_in(*component, found.plugin_id, found.file, *config.isolate);
  members_.push_back(plugins::Instance::make(context_, {name, component, found.plugin_id, json}));
}

void Kernel::give_keys(const config::DeviceConfig& device, Device::Changed& changed) {
  for (const auto& member : members_) {
    const plugins::LoadedComponent& c = member->component();
    if (c.keys.empty()) continue;
    std::string config = config::with_document(member->config(), c.kind, c.type, device.owned);
    if (config == member->config()) continue;
    changed.push_back(member->name());
    member->renew(std::move(config), kStopDeadline_ms);
  }
}

// --- life cycle ------------------------------------------------------------------------------------------------------

void Kernel::started(plugins::Instance& instance) {
  register_offers(instance);
  if (instance.component().kind == DTU_KIND_HAL) {
    device_.hal_started(instance);
    learn_initial_password();
  }
  if (!instance.component().dialects.empty()) device_.speaker_started(instance);
  announcements_.look_at_ports();
  announcements_.look_at_start(false);
}

void Kernel::register_offers(plugins::Instance& instance) {
  struct Offers {
    std::vector<commands::Command> commands;
    std::vector<commands::Point> points;
    uint64_t too_much = 0;
  };
  constexpr size_t kMost = 1024;
  constexpr const char* kNoName = "offers a command or a point with an invalid name";
  instance.call(
      [&instance] {
        Offers offers;
        dtu_error error{};
        error.struct_size = sizeof error;
        const plugins::Tables& t = instance.tables();
        if (t.commands.list != nullptr && t.commands.invoke != nullptr)
          instance.guarded("list commands", &error, [&] {
            const auto each = [](void* ctx, const dtu_command_info* i) {
              auto& to = static_cast<Offers*>(ctx)->commands;
              if (i == nullptr || to.size() >= kMost || i->code_count > 64 ||
                  (i->codes == nullptr && i->code_count != 0)) {
                ++static_cast<Offers*>(ctx)->too_much;
                return;
              }
              commands::Command c;
              c.name = text_of(i->name);
              c.title = text_of(i->title);
              c.arguments = std::make_shared<commands::Arguments>(text_of(i->args_schema));
              c.flags = i->flags;
              c.codes.assign(i->codes, i->codes + i->code_count);
              to.push_back(std::move(c));
            };
            return t.commands.list(instance.self(), each, &offers, &error);
          });
        if (t.points.list != nullptr && t.points.read != nullptr)
          instance.guarded("list points", &error, [&] {
            const auto each = [](void* ctx, const dtu_point_info* i) {
              auto& to = static_cast<Offers*>(ctx)->points;
              if (i == nullptr || to.size() >= kMost) {
                ++static_cast<Offers*>(ctx)->too_much;
                return;
              }
              commands::Point p;
              p.name = text_of(i->name);
              p.unit = text_of(i->unit);
              p.title = text_of(i->title);
              p.flags = i->flags;
              to.push_back(std::move(p));
            };
            return t.points.list(instance.self(), each, &offers, &error);
          });
        return offers;
      },
      [this, &instance](Offers offers) {
        if (offers.too_much != 0)
          instance.faults().note(plugins::Fault::flood, "list",
                                 "offers over " + std::to_string(kMost) +
                                     " commands or points, or one with over 64 "
                                     "function codes: " +
                                     std::to_string(offers.too_much) + " were left out",
                                 offers.too_much);
        directory_.remove_of(instance);  // what its predecessor offered, when it replaced one
        for (commands::Command& c : offers.commands) {
          c.provider = &instance;
          if (!commands::is_dotted_name(c.name)) instance.faults().note(plugins::Fault::malformed, "list", kNoName);
          if (const std::string refused = directory_.add(std::move(c)); !refused.empty())
            log_.warning(instance.name(), refused);
        }
        for (commands::Point& p : offers.points) {
          p.provider = &instance;
          if (!commands::is_dotted_name(p.name)) instance.faults().note(plugins::Fault::malformed, "list", kNoName);
          if (const std::string refused = directory_.add(std::move(p)); !refused.empty())
            log_.warning(instance.name(), refused);
        }
        directory_.listed(instance);
        calls_.release(instance);
        indicators_.points_changed();
        network_settings_.offered_by(instance);
        upgrades_.offered_by(instance);
      });
}

void Kernel::learn_initial_password() {
  if (board_.initial_password != "imei" || directory_.point("device.imei") == nullptr) return;
  (void)calls_.read_point("device.imei", nullptr, [this](const commands::Answer& a) {
    std::string digits;
    for (const char c : a.json)
      if (c >= '0' && c <= '9') digits += c;
    if (a.status == DTU_OK && digits.size() >= 6) access_.set_initial(digits.substr(digits.size() - 6));
  });
}

bool Kernel::connected() const {
  const auto& channels = router_.channels();
  return std::any_of(channels.begin(), channels.end(), [](const auto& channel) { return channel->carries(); });
}

std::string Kernel::why_busy() const {
  if (ending_) return "dtud is stopping";
  if (changes_.storing() || !changes_.all_applied() || !device_.idle())
    return "a change of the configuration is being applied: try again";
  return upgrades_.installs() ? "an upgrade of the board is being installed: try again after it" : "";
}

// A channel without a connection is up whatever it is pointed at: something has to come from it. Without channels that
// are wanted, running for a while is all that can be asked for.
bool Kernel::proven() const {
  bool wanted = false;
  for (const auto& channel : router_.channels()) {
    if (channel->instance == nullptr || !channel->instance->wanted()) continue;
    wanted = true;
    const bool connects = (channel->instance->component().caps & DTU_CAP_CONNECTIONLESS) == 0;
    if (channel->carries() && (connects || channel->traffic.rx_messages != 0)) return true;
  }
  return !wanted && monotonic_ns() - started_ns_ > kRunsWellAfter_ms * kMs;
}

void Kernel::stopping(plugins::Instance& instance) {
  network_settings_.stopping(instance);
  upgrades_.stopping(instance);
  router_.instance_stopping(instance);
  announcements_.look_at_ports();
}

void Kernel::stopped(plugins::Instance& instance) {
  // What starts again keeps its names: a call meanwhile fails, and may be tried again.
  if (!plugin_upgrade_.stopped(instance) && !instance.wanted()) directory_.remove_of(instance);
  announcements_.stopped(instance);
  calls_.gone(instance);
  answers_.forget(&instance);
  router_.instance_stopped(instance);
  if (instance.component().kind != DTU_KIND_CHANNEL) return;
  for (const auto& channel : router_.channels())
    if (channel->instance.get() == &instance) registration_.ended(*channel);
  indicators_.look();
}

void Kernel::state_changed(plugins::Instance& instance, uint64_t source, int32_t state, const dtu_error* error) {
  lane_.timers().arm(settled_timer_, monotonic_ns() + kSettledAfter_ms * kMs);
  if (source != 0) {
    router_.port_state(instance, source, state, error);
    return announcements_.look_at_ports();
  }
  if (instance.component().kind == DTU_KIND_CHANNEL && instance.tenant() != nullptr) {
    auto& channel = *static_cast<routing::Channel*>(instance.tenant());
    router_.channel_state(channel, state, error);
    registration_.look(channel);
    indicators_.look();
    upgrades_.look();
  }
  announcements_.state_changed(instance);
}

// --- faults ----------------------------------------------------------------------------------------------------------

plugins::Instance* Kernel::instance(const std::string& name) {
  for (const auto& member : members_)
    if (member->name() == name) return member.get();
  for (const auto& channel : router_.channels())
    if (channel->name == name) return channel->instance.get();
  return nullptr;
}

// A call that held up everybody for long costs its instance, unless it is one of its life cycle: whoever starts slowly
// would do so again and again.
void Kernel::stalled(const StallWatch::Stall& stall) {
  const bool on_main = &stall.lane == &lane_;
  const std::string what = "has blocked lane " + stall.lane.name() + " for over " + std::to_string(stall.held.count()) +
                           " ms" + (on_main ? ", on which dtud itself runs" : "");
  plugins::Faults* faults = stall.function.empty() ? nullptr : instances_.faults().newest(stall.who);
  using plugins::Fault;
  if (faults != nullptr) faults->note(stall.slow ? Fault::slow : Fault::stall, stall.function, what);
  if (stall.slow) return;
  stalled_.fetch_add(1);
  if (faults == nullptr) return log_.error(stall.who, what);
  constexpr std::array<std::string_view, 4> kLifeCycle{"create", "start", "stop", "destroy"};
  if (!on_main || std::find(kLifeCycle.begin(), kLifeCycle.end(), stall.function) != kLifeCycle.end()) return;
  lane_.post([this, who = stall.who, why = stall.function + " " + what] {
    if (plugins::Instance* instance = this->instance(who)) instance->condemn(why, true);
  });
}

// Threads that plugins do not give back cannot be ended, only dtud can. One or two may be lived with.
bool Kernel::is_well() {
  constexpr size_t kMostAbandoned = 3;
  const size_t abandoned = instances_.abandoned();
  if (abandoned <= kMostAbandoned) return true;
  if (!std::exchange(unwell_, true))
    log_.error("kernel", std::to_string(abandoned) +
                             " instances were abandoned: dtud no longer notifies the watchdog, so that the service "
                             "manager restarts dtud");
  return false;
}

// --- the end ---------------------------------------------------------------------------------------------------------

void Kernel::restart_soon(End how) {
  constexpr uint32_t kAnswersOut_ms = 3000;
  if (!restarting_ || how == End::reboot) restart_how_ = how;
  if (!std::exchange(restarting_, true)) answers_.wait(kAnswersOut_ms, [this] { shutdown(restart_how_); });
}

void Kernel::shutdown(End how) {
  if (ending_) return;
  ending_ = true;
  tell_service_manager(how == End::stop ? "STOPPING=1" : "RELOADING=1\nSTATUS=restarting");
  plugin_upgrade_.stop();
  upgrades_.stop();
  indicators_.configure({});
  end_ = how;
  log_.info("kernel", how == End::stop ? "stopping" : "restarting");
  // What is being stored is answered: its channel has to be there for that.
  changes_.stop([this] { device_.stop_channels(kStopDeadline_ms, [this] { stop_members(); }); });
}

// Commands before HALs: their sessions use the ports.
void Kernel::stop_members() {
  if (members_.empty()) return storage_.flush(router_, [this] { lane_.stop(); });
  const auto last = std::find_if(members_.rbegin(), members_.rend(),
                                 [](const auto& m) { return m->component().kind == DTU_KIND_COMMAND; });
  plugins::Instance& next = last != members_.rend() ? **last : *members_.back();
  next.stop(kStopDeadline_ms, [this, &next] {
    directory_.remove_of(next);  // also of one that waited for its next start: nothing told us that it stopped
    members_.erase(std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m.get() == &next; }));
    stop_members();
  });
}

}  // namespace dtud
