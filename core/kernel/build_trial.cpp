#include "kernel/build_trial.hpp"

#include <utility>

#include "config/json_value.hpp"
#include "log/utf8.hpp"
#include "plugins/loader/facts.hpp"

namespace dtud {
namespace {

constexpr size_t kLongestFile = 16U << 10U, kLongestText = 1024;

}  // namespace

void BuildTrial::begin(const std::string& folder) {
  file_ = std::make_shared<config::StateFile>(folder + "/trial.json", kLongestFile);
  std::string problem;
  const auto json = file_->read(problem);
  if (!problem.empty()) log_.warning("plugins", problem + "; no build of a plugin counts as being tried");
  const config::JsonObject* o = json ? config::as_object(*json) : nullptr;
  if (o == nullptr) return;
  const auto text = [o](const char* key) { return valid_utf8(config::as_text(o->get(key)), kLongestText); };
  Record r{text("plugin"),    text("sha256"), text("version"), text("from"), config::as_flag(o->get("chosen")),
           text("taken_back")};
  written_ = true;
  if (!r.plugin.empty() && plugins::is_sha256(r.sha256)) left_ = std::move(r);
}

void BuildTrial::run(std::function<std::string()> job, Then then) {
  const auto told = [this, then = std::move(then)](const std::string& problem) {
    if (!problem.empty()) log_.warning("plugins", problem);
    if (then) then();
  };
  if (disk_ == nullptr) return told(job());
  disk_->run(here_, std::move(job), told);
}

void BuildTrial::write(const Record& record, Then then) {
  if (file_ == nullptr) return then ? then() : void();
  auto o = config::make_object();
  o->set("plugin", record.plugin);
  o->set("sha256", record.sha256);
  o->set("version", record.version);
  o->set("from", record.from);
  o->set("chosen", record.chosen);
  o->set("taken_back", record.taken_back);
  written_ = true;
  run(
      [file = file_, text = config::to_json(config::Json(o)) + "\n"] {
        config::FileError error;
        if (file->write(text, error)) return std::string();
        return error.text + ": a build that ends dtud is not taken back at the next start";
      },
      std::move(then));
}

void BuildTrial::over(Then then) {
  if (file_ == nullptr || !std::exchange(written_, false)) return then ? then() : void();
  run(
      [file = file_] {
        config::FileError error;
        return file->remove(error) ? std::string() : error.text;
      },
      std::move(then));
}

}  // namespace dtud
