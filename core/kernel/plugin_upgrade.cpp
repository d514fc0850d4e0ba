#include "kernel/plugin_upgrade.hpp"

#include <algorithm>
#include <utility>

#include "config/json_text.hpp"
#include "config/json_value.hpp"
#include "plugins/isolation/isolation.hpp"
#include "plugins/loader/types.hpp"
#include "upgrade/version.hpp"

namespace dtud {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kLookEvery_ns = 5 * kMs;
constexpr int64_t kSettle_ns = 250 * kMs;  // a build that falls over its first message has not taken

std::string named(const plugins::LoadedPlugin& plugin) { return plugin.id + " " + plugin.version; }

std::string type_of(const plugins::LoadedComponent& c) { return plugins::full_type(c.kind, c.type); }

std::string first_error(const config::Findings& findings) {
  const config::Finding* error = config::first_new_error(findings);
  return error != nullptr ? config::to_text(*error) : "";
}

// Commands first, for their links wait meanwhile; HALs last, for all the rest needs their ports.
int rank(const plugins::Instance& instance) {
  const uint32_t kind = instance.component().kind;
  return kind == DTU_KIND_COMMAND ? 0 : kind == DTU_KIND_CHANNEL ? 1 : 2;
}

}  // namespace

PluginUpgrade::PluginUpgrade(Parts parts)
    : parts_(std::move(parts)),
      timer_(parts_.lane.timers().create(tick, this)),
      proof_timer_(parts_.lane.timers().create(proven, this)) {}

PluginUpgrade::~PluginUpgrade() {
  parts_.lane.timers().destroy(timer_);
  parts_.lane.timers().destroy(proof_timer_);
}

void PluginUpgrade::go_on_proving() { parts_.lane.timers().arm(proof_timer_, monotonic_ns() + BuildTrial::kProof_ns); }

BuildTrial::Record PluginUpgrade::record(bool chosen) const {
  return {id_, request_.build.sha256, to_version_, from_version_, chosen};
}

// --- may it be? ------------------------------------------------------------------------------------------------------

void PluginUpgrade::start(const Request& request, Done done) {
  if (stage_ != Stage::idle) return done("plugin " + id_ + " is being upgraded: try again when that is over");
  if (ending_) return done("dtud is stopping");
  if (std::string busy = parts_.busy(); !busy.empty()) return done(busy);
  targets_.clear();
  channels_.clear();
  old_ = build_ = nullptr;
  if (std::string refusal = plan(request); !refusal.empty()) {
    if (build_ != nullptr && build_ != old_) parts_.components.bury(build_, "refused: " + refusal);
    parts_.log.warning("plugins", "upgrade refused: " + refusal);
    return parts_.components.store().tidy([done, refusal](const std::string&) { done(refusal); });
  }
  run_ = std::make_shared<bool>(true);
  request_ = request;
  done_ = std::move(done);
  id_ = build_->id;
  from_version_ = old_->version;
  from_file_ = old_->file.string();
  to_version_ = build_->version;
  to_file_ = build_->file.string();
  total_ = targets_.size();
  moved_.clear();
  error_.clear();
  result_.clear();
  at_ = 0;
  parts_.log.info("plugins", "upgrade of " + named(*old_) + " to " + build_->version + ": " + std::to_string(total_) +
                                 (total_ == 1 ? " instance is moved" : " instances are moved"));
  parts_.changes.hold();
  // First: from here on it may be the end of dtud. One that ran before is no trial.
  parts_.lane.timers().disarm(proof_timer_);
  stage_ = Stage::beginning;
  const auto begin = while_under_way([this] {
    stage_ = Stage::moving;
    next();
  });
  if (request_.back.empty())
    parts_.trial.write(record(false), begin);
  else
    begin();
}

std::string PluginUpgrade::plan(const Request& request) {
  if (std::string refusal = load(request); !refusal.empty()) return refusal;
  if (std::string refusal = check_build(request); !refusal.empty()) return refusal;
  return find_targets();
}

std::string PluginUpgrade::load(const Request& request) {
  const plugins::Store& store = parts_.components.store();
  std::filesystem::path file = store.path_of(request.build.sha256);
  if (!request.back.empty()) file = file_before(request.back);
  if (file.empty()) return "there is no earlier build of " + request.back + " to go back to";
  if (const std::string why = store.why_failed(request.build.sha256); !why.empty() && !request.force)
    return "this build failed before (" + why + "): use --force to try it again";
  auto result = parts_.components.load_build(file);
  if (auto* refusal = std::get_if<plugins::Refusal>(&result)) return refusal->text;
  build_ = std::get<Plugin>(result);
  return {};
}

std::filesystem::path PluginUpgrade::file_before(const std::string& id) const {
  const plugins::Store& store = parts_.components.store();
  const plugins::Installed* now = store.find(id);
  const plugins::LoadedPlugin* runs = parts_.components.loaded(id);
  if (now == nullptr || runs == nullptr) return {};
  return now->previous.empty() ? parts_.components.packaged(*runs) : store.path_of(now->previous);
}

std::string PluginUpgrade::check_build(const Request& request) {
  std::string other;
  for (const plugins::LoadedComponent& c : build_->components) {
    const auto found = parts_.components.find(c.kind, c.type);
    if (found.component != nullptr && found.plugin_id != build_->id)
      other = type_of(c) + " belongs to " + found.plugin_id;
  }
  old_ = parts_.components.catalogue().plugin(build_->id);
  if (old_ == nullptr)
    return "no plugin " + build_->id + " is in use" + (other.empty() ? "" : ", and " + other) +
           ": an upgrade needs the id of the plugin it replaces";
  if (const auto refused = parts_.components.catalogue().conflict(*build_)) return refused->text;
  if (old_->built_in) return old_->id + " is linked into this dtud: it is replaced with dtud itself";
  if (build_ == old_) return named(*build_) + " of " + build_->file.string() + " runs already";
  const bool older = upgrade::compare_versions(build_->version, old_->version) < 0;
  if (older && !request.force && request.back.empty())
    return named(*build_) + " is older than the running " + old_->version + ": use --force to load it";
  return {};
}

const plugins::LoadedComponent* PluginUpgrade::successor(const plugins::LoadedComponent& of) const {
  for (const plugins::LoadedComponent& c : build_->components)
    if (c.kind == of.kind && c.type == of.type) return &c;
  return nullptr;
}

// Whose code is of the plugin that is replaced.
std::vector<plugins::InstancePtr*> PluginUpgrade::slots() const {
  std::vector<plugins::InstancePtr*> all;
  const auto add = [&](plugins::InstancePtr& slot) {
    if (slot != nullptr && slot->plugin_id() == old_->id) all.push_back(&slot);
  };
  for (plugins::InstancePtr& member : parts_.members) add(member);
  for (const auto& channel : parts_.move.router.channels()) add(channel->instance);
  std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return rank(**a) < rank(**b); });
  return all;
}

// An instance in a process of its own stays in one.
const plugins::LoadedComponent& PluginUpgrade::beside(const plugins::LoadedComponent& now,
                                                      const plugins::LoadedComponent& next) const {
  plugins::isolation::Isolation* isolation = parts_.move.context.isolation;
  if (!now.isolated || isolation == nullptr) return next;
  const auto& limits = static_cast<const plugins::isolation::StandIn&>(now).limits;
  return isolation->stand_in(next, build_->id, build_->file, limits);
}

std::string PluginUpgrade::find_targets() {
  std::string lacks;
  for (plugins::InstancePtr* slot : slots()) {
    const plugins::LoadedComponent& now = (*slot)->component();
    const plugins::LoadedComponent* next = successor(now);
    if (next == nullptr) {
      lacks += (lacks.empty() ? "" : ", ") + type_of(now) + " (" + (*slot)->name() + ")";
      continue;
    }
    for (const auto& link : parts_.move.router.links())
      if (link->speaker == slot->get() &&
          std::find(next->dialects.begin(), next->dialects.end(), link->dialect) == next->dialects.end())
        lacks += (lacks.empty() ? "" : ", ") + ("dialect " + link->dialect) +
                 (link->port != nullptr ? " (" + link->port->name + ")" : "");
    if (!next->dialects.empty() && (next->caps & DTU_CAP_BLOCKING) != 0)
      return type_of(*next) + " offers dialects and must not block (DTU_CAP_BLOCKING)";
    targets_.push_back({slot, {&beside(now, *next), build_->id, (*slot)->config()}});
  }
  if (!lacks.empty()) return named(*build_) + " lacks components that are in use: " + lacks;
  const config::Schemas schemas = parts_.components.schemas_with(*build_);
  if (std::string refusal = add_channels(schemas); !refusal.empty()) return refusal;
  return add_members(schemas);
}

// The document as the new schema reads it. What was wrong with it before does not count.
std::string PluginUpgrade::add_channels(const config::Schemas& schemas) {
  config::Findings before, findings;
  (void)parts_.changes.read_with(parts_.components.schemas(), before);
  const auto device = parts_.changes.read_with(schemas, findings);
  config::mark_known(findings, before);
  if (const std::string error = first_error(findings); !error.empty() || !device)
    return "the configuration does not fit " + named(*build_) + ": " + error;
  for (Target& target : targets_) {
    if (target.to.component->kind != DTU_KIND_CHANNEL) continue;
    const auto* channel = static_cast<const routing::Channel*>((*target.slot)->tenant());
    const auto it = std::find_if(device->channels.begin(), device->channels.end(),
                                 [&](const config::ChannelConfig& c) { return c.id == channel->id; });
    if (it == device->channels.end()) return channel->name + " is not in the stored configuration: apply it first";
    target.to.config = it->json;
    channels_.push_back(*it);
  }
  owned_ = device->owned;
  return {};
}

// The entries of the board document, by their type and their place among those of the same type.
std::string PluginUpgrade::add_members(const config::Schemas& schemas) {
  config::Findings findings;
  const auto board = parts_.read_board(schemas, findings);
  if (!board) return "the board document does not fit " + named(*build_) + ": " + first_error(findings);
  const auto give_keys = [this](Target& target) {
    const plugins::LoadedComponent& c = *target.to.component;
    if (c.kind != DTU_KIND_CHANNEL && (!c.keys.empty() || !(*target.slot)->component().keys.empty()))
      target.to.config = config::with_document(target.to.config, c.kind, c.type, owned_);
  };
  for (Target& target : targets_) {
    const plugins::LoadedComponent& component = *target.to.component;
    give_keys(target);
    if (component.kind == DTU_KIND_CHANNEL || (component.kind == DTU_KIND_COMMAND && !board->commands)) continue;
    size_t place = 0;
    for (const plugins::InstancePtr& member : parts_.members) {
      if (&member == target.slot) break;
      if (member->component().kind == component.kind && member->component().type == component.type) ++place;
    }
    const auto& entries = component.kind == DTU_KIND_HAL ? board->hal : *board->commands;
    for (const config::ComponentConfig& entry : entries) {
      if (entry.type != component.type || place-- != 0) continue;
      target.to.config = entry.json;
      give_keys(target);
      break;
    }
  }
  return {};
}

// --- over, and back --------------------------------------------------------------------------------------------------

void PluginUpgrade::next() {
  if (at_ < targets_.size()) {
    const Target& target = targets_[at_];
    moves_.push_back(std::make_unique<InstanceMove>(parts_.move, *target.slot, target.to, request_.deadline_ms));
  } else {
    stage_ = Stage::settling;
    settled_ns_ = monotonic_ns() + (targets_.empty() ? 0 : kSettle_ns);
    owed_by_ns_ = settled_ns_ + int64_t{request_.deadline_ms} * kMs;
  }
  parts_.lane.timers().arm(timer_, monotonic_ns());
}

void PluginUpgrade::step() {
  using Progress = InstanceMove::Progress;
  parts_.lane.timers().arm(timer_, monotonic_ns() + kLookEvery_ns);
  if (stage_ == Stage::settling) {
    for (const auto& move : moves_) {
      std::string trouble = move->trouble();
      if (trouble.empty()) trouble = move->misdeed();
      if (!trouble.empty()) return go_back(move->name() + ": " + trouble);
    }
    if (monotonic_ns() < settled_ns_) return;
    for (const auto& move : moves_) {
      const std::string owed = move->owed();
      if (owed.empty()) continue;
      if (monotonic_ns() < owed_by_ns_) return;
      return go_back(move->name() + ": " + owed + " within " + std::to_string(request_.deadline_ms) + " ms");
    }
    commit();
    return;
  }
  InstanceMove& move = *moves_[at_];
  const Progress progress = move.step();
  if (progress == Progress::going) return;
  if (stage_ == Stage::moving) {
    if (progress == Progress::failed) return go_back(move.name() + ": " + move.why());
    moved_.push_back({move.name(), move.took_ms()});
    parts_.log.info(move.name(), "moved to " + named(*build_) + " in " + std::to_string(move.took_ms()) + " ms");
    ++at_;
    return next();
  }
  if (progress == Progress::failed)
    parts_.log.error(move.name(), "runs " + named(*old_) + " again, but " + move.why());
  else
    parts_.log.info(move.name(), "returned to " + named(*old_) + " in " + std::to_string(move.took_ms()) + " ms");
  if (progress == Progress::failed) error_ += "; " + move.name() + " " + move.why();
  next_back();
}

void PluginUpgrade::go_back(const std::string& why, Blame blame) {
  blame_ = blame;
  parts_.log.error("plugins", named(*build_) + " failed: " + why + "; returning to " + old_->version);
  error_ = why;
  stage_ = Stage::going_back;
  at_ = moves_.size();
  parts_.lane.timers().arm(timer_, monotonic_ns());
  next_back();
}

// The last first: it is the one that failed, if one did.
void PluginUpgrade::next_back() {
  if (at_ != 0) {
    moves_[--at_]->turn_back();
    return;
  }
  parts_.lane.timers().disarm(timer_);
  parts_.components.bury(build_, "failed: " + error_);
  if (blame_ == Blame::build && request_.back.empty())
    forget_failed(error_);
  else
    gone_back();
}

void PluginUpgrade::gone_back() {
  parts_.trial.over(while_under_way([this] {
    const std::string why = error_;
    result_ = "rolled back";
    const std::string id = id_, from = build_->version, to = old_->version;  // the answer may begin the next upgrade
    end(why + ". " + named(*old_) + " runs again");
    parts_.tell.plugin_rolled_back(id, from, to, why);
  }));
}

void PluginUpgrade::choose(plugins::Store::Then then) {
  plugins::Store& store = parts_.components.store();
  if (request_.back.empty())
    store.choose(request_.build, std::move(then));
  else
    store.go_back(request_.back, std::move(then));
}

// Nor does a start pick it, should it have been installed already.
void PluginUpgrade::forget_failed(const std::string& why) {
  plugins::Store& store = parts_.components.store();
  const auto marked = while_under_way([this](const std::string& error) {
    if (!error.empty()) parts_.log.error("plugins", error);
    gone_back();
  });
  const auto mark = while_under_way([this, why, marked](const std::string& error) {
    if (!error.empty()) return marked(error);
    parts_.components.store().mark_failed(request_.build.sha256, why, marked);
  });
  const plugins::Installed* installed = store.find(id_);
  if (installed != nullptr && installed->sha256 == request_.build.sha256)
    store.go_back(id_, mark);
  else
    mark(std::string());
}

void PluginUpgrade::commit() {
  parts_.lane.timers().disarm(timer_);
  stage_ = Stage::choosing;
  choose(while_under_way([this](const std::string& error) {
    if (!error.empty()) return go_back(error, Blame::us);
    const auto noted = while_under_way([this] { committed(); });
    if (request_.back.empty())
      parts_.trial.write(record(true), noted);
    else
      parts_.trial.over(noted);
  }));
}

void PluginUpgrade::committed() {
  parts_.components.supersede(build_);
  if (request_.back.empty()) go_on_proving();
  for (const config::ChannelConfig& channel : channels_) parts_.move.device.took_over(channel);
  result_ = "upgraded";
  end({});
  parts_.changes.reread();
}

void PluginUpgrade::end(const std::string& error) {
  parts_.lane.timers().disarm(timer_);
  stage_ = Stage::idle;
  run_ = nullptr;
  error_ = error;
  moves_.clear();
  targets_.clear();
  channels_.clear();
  at_ = 0;
  if (!ending_) parts_.changes.release();
  if (const Done done = std::exchange(done_, nullptr)) done(error);
}

void PluginUpgrade::stop() {
  ending_ = true;
  if (stage_ == Stage::idle) return;
  result_ = "given up";
  if (stage_ == Stage::choosing) {  // which is not taken back any more
    if (request_.back.empty()) parts_.trial.write(record(true));
    const std::string what = "dtud is stopping while the choice of " + named(*build_) + " is being stored";
    parts_.log.warning("plugins", what + ": the next start uses it, unless it cannot be stored");
    return end(what);
  }
  parts_.log.warning("plugins",
                     "the upgrade of " + id_ + " is cancelled: dtud stops, and starts with " + from_version_);
  parts_.trial.over();
  end("dtud is stopping; it starts with " + from_version_);
}

std::string PluginUpgrade::state() const {
  using config::Json;
  auto o = config::make_object();
  const auto build = [](const std::string& version, const std::string& file) {
    auto b = config::make_object();
    b->set("version", version);
    b->set("file", file);
    return b;
  };
  o->set("running", stage_ != Stage::idle);
  o->set("plugin", id_);
  o->set("from", build(from_version_, from_file_));
  o->set("to", build(to_version_, to_file_));
  o->set("total", static_cast<int64_t>(total_));
  config::JsonArray::Ptr moved = new config::JsonArray;
  for (const Moved& m : moved_) {
    auto one = config::make_object();
    one->set("instance", m.instance);
    one->set("ms", m.ms);
    moved->add(one);
  }
  o->set("moved", moved);
  o->set("now", at_ < moves_.size() ? moves_[at_]->name() : std::string());
  o->set("going_back", stage_ == Stage::going_back);
  o->set("result", result_);
  o->set("error", stage_ == Stage::moving ? std::string() : error_);
  return config::to_json(Json(o));
}

}  // namespace dtud
