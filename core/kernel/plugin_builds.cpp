#include "kernel/plugin_builds.hpp"

#include <Poco/DigestEngine.h>
#include <Poco/SHA2Engine.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "config/json_text.hpp"
#include "config/json_value.hpp"
#include "plugins/loader/trust.hpp"

namespace dtud {
namespace {

namespace fs = std::filesystem;
using config::Json;
using config::JsonArray;
using config::JsonObject;

constexpr size_t kLargestFile = 64U << 20U, kLargestIndex = 1U << 20U, kMostFailed = 32;
constexpr mode_t kFolderMode = 0755;

std::string digest(const std::string& bytes) {
  Poco::SHA2Engine engine(Poco::SHA2Engine::SHA_256);
  engine.update(bytes);
  return Poco::DigestEngine::digestToHex(engine.digest());
}

}  // namespace

std::variant<fs::path, plugins::Refusal> PluginBuilds::keep(const fs::path& folder, const fs::path& file) {
  if (!file.is_absolute())
    return plugins::Refusal{"\"" + file.string() + "\" is no absolute path: give the file from /"};
  const plugins::Trust trust = plugins::check_trust(file);
  if (!trust.refusal.empty()) return plugins::Refusal{trust.refusal};
  config::FileError error;
  const auto bytes = config::read_file(trust.file.string(), kLargestFile, error);
  if (!bytes) return plugins::Refusal{error.text};
  if (::mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST)
    return plugins::Refusal{folder.string() + " cannot be made: " + std::generic_category().message(errno)};
  fs::path kept = folder / (digest(*bytes) + ".so");
  std::error_code none;
  if (fs::exists(kept, none) && config::read_file(kept.string(), kLargestFile, error) == bytes) return kept;
  if (!config::write_file(kept.string(), *bytes, error)) return plugins::Refusal{error.text};
  return kept;
}

std::string PluginBuilds::open(const fs::path& folder) {
  std::error_code none;
  folder_ = fs::weakly_canonical(folder, none);
  choices_.clear();
  failed_.clear();
  const std::string index = (folder_ / "installed.json").string();
  config::FileError error;
  const auto text = config::read_file(index, kLargestIndex, error);
  if (!text)
    return error.code == ENOENT || error.code == ENOTDIR ? "" : error.text + ": upgrades of plugins are forgotten";
  config::Findings findings;
  const auto json = config::read_json(*text, index, findings);
  const JsonObject* all = json ? config::as_object(*json) : nullptr;
  if (all == nullptr) return index + " cannot be read: upgrades of plugins are forgotten";
  const Json chosen = all->get("chosen"), failed = all->get("failed");
  if (const JsonObject* ids = config::as_object(chosen))
    for (const auto& [id, value] : *ids)
      if (const JsonObject* one = config::as_object(value))
        choices_[id] = {config::as_text(one->get("file")), config::as_text(one->get("previous"))};
  if (const JsonArray* list = config::as_list(failed))
    for (const Json& value : *list)
      if (const JsonObject* one = config::as_object(value))
        failed_.push_back({config::as_text(one->get("file")), config::as_text(one->get("why"))});
  return {};
}

std::vector<fs::path> PluginBuilds::files() const {
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& [id, choice] : choices_)
    if (choice.file.is_absolute() && fs::exists(choice.file, none)) out.push_back(choice.file);
  return out;
}

bool PluginBuilds::choose(const std::string& id, const Choice& choice, config::FileError& error) {
  const auto before = choices_;
  const Choice former = choices_[id];
  choices_[id] = choice;
  const auto again = [&](const Failed& f) { return f.file == choice.file.filename(); };
  const auto failed = failed_;
  failed_.erase(std::remove_if(failed_.begin(), failed_.end(), again), failed_.end());
  if (!write(error)) {
    choices_ = before;
    failed_ = failed;
    return false;
  }
  discard(former.previous);
  discard(former.file);
  return true;
}

std::string PluginBuilds::why_failed(const fs::path& file) const {
  for (const Failed& f : failed_)
    if (f.file == file.filename()) return f.why;
  return {};
}

bool PluginBuilds::mark_failed(const fs::path& file, const std::string& why, config::FileError& error) {
  const auto same = [&](const Failed& f) { return f.file == file.filename(); };
  failed_.erase(std::remove_if(failed_.begin(), failed_.end(), same), failed_.end());
  failed_.push_back({file.filename().string(), why});
  if (failed_.size() > kMostFailed) failed_.erase(failed_.begin());
  discard(file);
  return write(error);
}

void PluginBuilds::discard(const fs::path& file) const {
  if (file.parent_path() != folder_) return;
  for (const auto& [id, choice] : choices_)
    if (choice.file == file || choice.previous == file) return;
  std::error_code none;
  fs::remove(file, none);
}

bool PluginBuilds::write(config::FileError& error) const {
  auto chosen = config::make_object();
  for (const auto& [id, choice] : choices_) {
    auto one = config::make_object();
    one->set("file", choice.file.string());
    one->set("previous", choice.previous.string());
    chosen->set(id, one);
  }
  JsonArray::Ptr failed = new JsonArray;
  for (const Failed& f : failed_) {
    auto one = config::make_object();
    one->set("file", f.file);
    one->set("why", f.why);
    failed->add(one);
  }
  auto all = config::make_object();
  all->set("chosen", chosen);
  all->set("failed", failed);
  return config::write_file((folder_ / "installed.json").string(), config::to_json(Json(all)) + "\n", error);
}

}  // namespace dtud
