#include "look.hpp"

#include <algorithm>
#include <keys/file.hpp>
#include <keys/plugin_signature.hpp>

#include "plugins/loader/check_config.hpp"
#include "plugins/loader/facts.hpp"
#include "plugins/loader/loader.hpp"
#include "plugins/loader/types.hpp"

namespace dtu_plugin_probe {
namespace {

using Poco::JSON::Object;

Line line(const char* say) {
  Line o = new Object;
  o->set("say", std::string(say));
  return o;
}

// Throws keys::Unusable when one of the keys cannot be used.
keys::Judgement judge(const Job& job, const std::string& sha256) {
  std::vector<keys::Key> wanted;
  for (const std::string& text : job.keys) wanted.push_back(keys::read_public(text, "plugins.keys"));
  return keys::judge_file(job.file, sha256, wanted);
}

}  // namespace

Line refused(const std::string& text) {
  Line o = line("refused");
  o->set("text", text.substr(0, 2000));
  return o;
}

Bytes look_at_bytes(const Job& job) {
  const keys::File file(job.fd, job.file);
  const std::string sha256 = file.digest(EVP_sha256());
  dtud::plugins::SignatureFacts signature;
  bool good = false;
  if (!job.keys.empty()) {
    try {
      const keys::Judgement judgement = judge(job, sha256);
      good = judgement.verdict == keys::Verdict::good;
      signature = {keys::name_of(judgement.verdict), judgement.key, judgement.text};
    } catch (const keys::Unusable& e) {
      signature = {"bad", "", e.what()};
    }
  }
  Bytes bytes{line("file"), nullptr};
  bytes.line->set("sha256", sha256);
  bytes.line->set("size", file.size());
  bytes.line->set("signature", to_json(signature));
  if (job.require_signed && !good)
    bytes.instead =
        refused(job.file + ": " +
                (job.keys.empty() ? "board.json has require_signed and no key in plugins.keys: name one"
                                  : signature.text + ": only signed files are opened here (require_signed)"));
  else if (std::find(job.held.begin(), job.held.end(), sha256) != job.held.end())
    bytes.instead = line("held");
  return bytes;
}

namespace {

Line check(const dtud::plugins::LoadedPlugin& plugin, const Job& job) {
  for (const auto& component : plugin.components) {
    if (dtud::plugins::full_type(component.kind, component.type) != job.component) continue;
    const auto checkup = dtud::plugins::check_config(component, job.config);
    Line o = checkup ? dtud::plugins::to_json(*checkup) : Line(new Object);
    o->set("say", std::string("checked"));
    return o;
  }
  return refused(job.file + ": holds no component " + job.component);
}

}  // namespace

Line look_inside(const Job& job) {
  const auto result = dtud::plugins::load(job.file);
  if (const auto* refusal = std::get_if<dtud::plugins::Refusal>(&result)) return refused(refusal->text);
  const auto& plugin = *std::get<std::shared_ptr<const dtud::plugins::LoadedPlugin>>(result);
  if (!job.component.empty()) return check(plugin, job);
  Line o = line("plugin");
  o->set("plugin", to_json(dtud::plugins::facts_of(plugin, job.schemas)));
  return o;
}

}  // namespace dtu_plugin_probe
