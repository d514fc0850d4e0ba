#include "kernel/checks.hpp"

#include <memory>
#include <utility>

#include "plugins/loader/check_config.hpp"
#include "plugins/loader/probe.hpp"
#include "plugins/loader/types.hpp"

namespace dtud {
namespace {

// The stored document and the new one are read one after the other, mostly with the same channels.
constexpr size_t kMostAnswered = 64;
constexpr int64_t kAnswerLasts_ns = 2'000'000'000;

}  // namespace

void Checks::board_is(std::string text, std::string file) {
  board_text_ = std::move(text);
  board_file_ = std::move(file);
}

config::Schemas Checks::schemas() {
  config::Schemas schemas = components_.schemas();
  schemas.check = [this](uint32_t kind, const std::string& type, const std::string& json, bool isolated) {
    return ask(kind, type, json, isolated);
  };
  const auto product = std::make_shared<std::optional<config::Product>>();
  schemas.board = [this, product](const config::OwnedKeys& owned) {
    *product = board(owned);
    return **product;
  };
  schemas.ports = [this, product, by_configuration = std::move(schemas.ports)] {
    if (!*product) *product = board({});
    const auto offered = (*product)->offered("port");
    return offered ? offered : by_configuration();
  };
  return schemas;
}

std::optional<config::Checkup> Checks::ask(uint32_t kind, const std::string& type, const std::string& json,
                                           bool isolated) {
  const Components::Found found = components_.find(kind, type);
  if (found.component == nullptr) return std::nullopt;
  if (kind == DTU_KIND_CHANNEL || found.component->keys.empty()) return ask(found, kind, type, json, isolated);
  auto checkup = ask(found, kind, type, config::with_document(json, kind, type, owned_), isolated);
  if (checkup) checkup->hide(owned_.secrets);
  return checkup;
}

std::optional<config::Checkup> Checks::ask(const Components::Found& found, uint32_t kind, const std::string& type,
                                           const std::string& json, bool isolated) {
  std::optional<config::Checkup> checkup;
  const std::string name = plugins::full_type(kind, type);
  const bool elsewhere = isolated || killers_.has_killed(name);
  if (found.described || (elsewhere && !alone_)) {
    checkup = ask_apart(found, name, json);
  } else {
    const auto [it, first] = names_.try_emplace(name);
    if (first) it->second = killers_.page().enter(name, found.plugin_id, found.component->build);
    const Lane::Running running(lane_, it->first, "check", it->second);
    checkup = plugins::check_config(*found.component, json);
  }
  const bool blocks = (found.component->caps & DTU_CAP_BLOCKING) != 0;
  if (blocks && !found.component->dialects.empty()) {
    if (!checkup) checkup.emplace();
    checkup->errors.push_back({"", "is not started: a component with a dialect must not block (DTU_CAP_BLOCKING)"});
  }
  return checkup;
}

// Where its crash is that of a process of its own.
std::optional<config::Checkup> Checks::ask_apart(const Components::Found& found, const std::string& type,
                                                 const std::string& json) {
  const bool file = found.file.is_absolute();  // one that is built in cannot be opened by another process
  if (!found.component->has("check") || !file) return std::nullopt;
  for (const Answered& known : answered_)
    if (known.type == type && known.json == json && monotonic_ns() < known.until_ns) return known.checkup;
  const plugins::Vetting& vetting = components_.vetting();
  plugins::ProbeJob job = vetting.job_for(found.file);
  job.check = plugins::ProbeJob::Check{type, json};
  plugins::Probed probed = plugins::probe(vetting.setup().program, job, vetting.setup().limits);
  if (probed.end != plugins::Probed::End::good) {
    probed.checkup.emplace();
    probed.checkup->warnings.push_back({"", "the plugin could not check this configuration: " + probed.text});
  }
  if (answered_.size() >= kMostAnswered) answered_.pop_front();
  answered_.push_back({type, json, monotonic_ns() + kAnswerLasts_ns, probed.checkup});
  return probed.checkup;
}

config::Product Checks::board(const config::OwnedKeys& owned) {
  owned_ = owned;
  config::Findings ignored;
  const auto board = config::read_board(board_text_, board_file_, schemas(), ignored);
  return board ? board->product : config::Product();
}

}  // namespace dtud
