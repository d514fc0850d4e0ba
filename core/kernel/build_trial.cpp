#include "kernel/build_trial.hpp"

#include "config/json_value.hpp"
#include "log/utf8.hpp"
#include "plugins/loader/facts.hpp"

namespace dtud {
namespace {

constexpr size_t kLongestFile = 16U << 10U, kLongestText = 1024;

}  // namespace

void BuildTrial::begin(const std::string& folder) {
  file_.emplace(folder + "/trial.json", kLongestFile);
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

void BuildTrial::write(const Record& record) {
  if (!file_) return;
  auto o = config::make_object();
  o->set("plugin", record.plugin);
  o->set("sha256", record.sha256);
  o->set("version", record.version);
  o->set("from", record.from);
  o->set("chosen", record.chosen);
  o->set("taken_back", record.taken_back);
  config::FileError error;
  written_ = file_->write(config::to_json(config::Json(o)) + "\n", error);
  if (!written_) log_.warning("plugins", error.text + ": a build that ends dtud is not taken back at the next start");
}

void BuildTrial::over() {
  config::FileError error;
  if (!file_ || !written_) return;
  written_ = false;
  if (!file_->remove(error)) log_.warning("plugins", error.text);
}

}  // namespace dtud
