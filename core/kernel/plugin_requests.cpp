// What the control API asks about plugin files. Copies and probes are done here, on the API's worker threads: they wait
// for the disk and for a child; the main lane is asked before and told afterwards.
#include "config/json_text.hpp"
#include "kernel/backend.hpp"
#include "kernel/kernel.hpp"
#include "kernel/views.hpp"
#include "lanes/wall_clock.hpp"
#include "plugins/loader/trust.hpp"

namespace dtud {
namespace {

using config::Json;
using config::JsonObject;
using config::make_object;
using control::Answer;
using plugins::Probed;

// Shared with the main lane, which may come to the question when nobody waits for its answer any more.
using Jobs = std::vector<plugins::ProbeJob>;

std::string text_in(const std::string& json, const char* key) {
  config::Findings ignored;
  const auto parsed = config::read_json(json, "", ignored);
  const JsonObject* body = parsed ? config::as_object(*parsed) : nullptr;
  return body != nullptr ? config::as_text(body->get(key)) : std::string();
}

constexpr std::chrono::minutes kLongestUpgrade{10};  // that is waited for
constexpr std::chrono::minutes kLongestStore{1};     // of a slow disk, likewise

Answer busy() {
  return Answer::error(409, "another plugin is being installed or is being upgraded: try again when that is over");
}

// The copy is nothing to anybody; what was said of it was said of the file.
std::string about(const std::string& file, const std::filesystem::path& copy, std::string text) {
  for (size_t at = 0; (at = text.find(copy.string(), at)) != std::string::npos; at += file.size())
    text.replace(at, copy.string().size(), file);
  return text;
}

}  // namespace

Answer KernelBackend::plugin(const std::string& name) {
  const auto jobs = std::make_shared<Jobs>();
  Answer begun = ask([this, name, jobs](const Reply& reply) {
    for (const std::string& file : views::plugins_to_probe(kernel_, name)) {
      jobs->push_back(kernel_.components().vetting().job_for(file));
      jobs->back().schemas = true;
    }
    reply({200, {}});
  });
  if (!begun.ok()) return begun;
  const plugins::Vetting::Setup& setup = kernel_.components().vetting().setup();
  std::map<std::string, plugins::PluginFacts> found;
  for (const plugins::ProbeJob& job : *jobs) {
    if (!plugins::check_trust(job.file).refusal.empty()) continue;
    Probed probed = plugins::probe(setup.program, job, setup.limits);
    if (probed.end == Probed::End::good) found.emplace(job.file.string(), std::move(probed.plugin));
  }
  return ask([this, name, found = std::move(found)](const Reply& reply) {
    std::string body = views::plugin(kernel_, name, found);
    if (body.empty()) return reply(Answer::error(404, "there is no plugin, plugin file or type \"" + name + "\""));
    reply({200, std::move(body)});
  });
}

// Only root and the user of dtud can write what is installed here: check_trust looks at the file. A signature is as
// good.
Answer KernelBackend::stage(const std::string& file, Staged& staged) {
  if (file.empty() || file[0] != '/') return Answer::error(400, "the body needs \"file\": an absolute path");
  const plugins::Trust trust = plugins::check_trust(file);
  const auto jobs = std::make_shared<Jobs>();
  Answer begun = ask([this, jobs](const Reply& reply) {
    jobs->push_back(kernel_.components().vetting().job_for({}));
    reply({200, {}});
  });
  if (!begun.ok()) return begun;
  plugins::ProbeJob& job = jobs->front();
  job.require_signed = job.require_signed || !trust.refusal.empty();
  job.schemas = true;  // it may be one that dtud does not open
  if (!trust.refusal.empty() && job.keys.empty()) return Answer::error(409, trust.refusal);

  std::string error;
  job.file = kernel_.components().store().stage(file, error);
  if (job.file.empty()) return Answer::error(409, error);
  const plugins::Vetting::Setup& setup = kernel_.components().vetting().setup();
  staged = {job.file, plugins::probe(setup.program, job, setup.limits)};
  const Probed& probed = staged.probed;
  if (probed.end == Probed::End::good) return {200, {}};
  plugins::Store::drop(job.file);
  const std::string why = probed.end == Probed::End::held
                              ? file + ": its content is quarantined: dtuctl plugins --failed"
                              : about(file, job.file, probed.text);
  return Answer::error(409, trust.refusal.empty() || probed.signature.state == "good" ? why : trust.refusal);
}

Answer KernelBackend::install_plugin(const std::string& json) {
  const std::unique_lock<std::mutex> one_at_a_time(installing_, std::try_to_lock);
  if (!one_at_a_time) return busy();
  const std::string file = text_in(json, "file");
  Staged staged;
  if (Answer refused = stage(file, staged); !refused.ok()) return refused;
  return ask(
      [this, staged, file](const Reply& asker) {
        const Reply reply = audited("plugins.install", asker);
        const auto then = [reply, probed = staged.probed](const std::string& refused, const std::string& later) {
          if (!refused.empty()) return reply(Answer::error(409, refused));
          auto o = make_object();
          o->set("id", probed.plugin.id);
          o->set("version", probed.plugin.version);
          o->set("sha256", probed.sha256);
          o->set("signature", to_json(probed.signature));
          o->set("later", later);
          reply({200, config::to_json(Json(o))});
        };
        kernel_.components().install(staged.file, staged.probed, file, then);
      },
      kLongestStore);
}

// What cannot be told in time goes on all the same.
Answer KernelBackend::upgrade_plugin(const std::string& json) {
  config::Findings findings;
  const auto parsed = config::read_json(json, "", findings);
  const JsonObject* body = parsed ? config::as_object(*parsed) : nullptr;
  if (body == nullptr)
    return Answer::error(400, findings.empty() ? "the body is not a JSON object" : findings.front().message);
  PluginUpgrade::Request request;
  const std::string file = config::as_text(body->get("file"));
  request.back = config::as_text(body->get("rollback"));
  request.force = config::as_flag(body->get("force"));
  if (file.empty() == request.back.empty())
    return Answer::error(400, "the body needs \"file\" (a plugin file) or \"rollback\" (the id of a plugin)");
  const int64_t ms = config::as_integer(body->get("deadline_ms"), PluginUpgrade::kDefaultDeadline_ms);
  if (ms < 1 || ms > PluginUpgrade::kLongestDeadline_ms)
    return Answer::error(400, "deadline_ms is 1 to " + std::to_string(PluginUpgrade::kLongestDeadline_ms));
  request.deadline_ms = static_cast<uint32_t>(ms);
  const std::unique_lock<std::mutex> one_at_a_time(installing_, std::try_to_lock);
  if (!one_at_a_time) return busy();
  Staged staged;
  if (!file.empty())
    if (Answer refused = stage(file, staged); !refused.ok()) return refused;
  return ask(
      [this, request, staged, file](const Reply& asker) mutable {
        const Reply reply = audited(file.empty() ? "plugins.rollback" : "plugins.upgrade", asker);
        const Probed& probed = staged.probed;
        if (!file.empty())
          request.build = {
              probed.plugin.id, probed.plugin.version, probed.sha256, file, wall_clock_ns(), probed.signature, ""};
        const auto begin = [this, request, reply, file](const std::string& refused) {
          if (!refused.empty()) return reply(Answer::error(409, refused));
          const auto copy = kernel_.components().store().path_of(request.build.sha256);
          kernel_.plugin_upgrade().start(request, [this, reply, file, copy](const std::string& error) {
            reply(error.empty() ? Answer{200, kernel_.plugin_upgrade().state()}
                                : Answer::error(409, about(file, copy, error)));
          });
        };
        if (file.empty()) return begin({});
        kernel_.components().keep(staged.file, probed, file, begin);
      },
      kLongestUpgrade);
}

Answer KernelBackend::plugin_upgrade() {
  return ask([this](const Reply& reply) { reply({200, kernel_.plugin_upgrade().state()}); });
}

Answer KernelBackend::remove_plugin(const std::string& id) {
  const std::unique_lock<std::mutex> one_at_a_time(installing_, std::try_to_lock);
  if (!one_at_a_time) return busy();
  return ask(
      [this, id](const Reply& asker) {
        const Reply reply = audited("plugins.remove", asker);
        if (kernel_.components().store().find(id) == nullptr)
          return reply(
              Answer::error(404, id + " was not installed by dtuctl plugins install: remove the package or the image "
                                      "that contains it"));
        kernel_.components().remove(id, [this, id, reply](const std::string& refused) {
          if (!refused.empty()) return reply(Answer::error(409, refused));
          auto o = make_object();
          o->set("removed", id);
          const auto* running = kernel_.components().loaded(id);
          o->set("note",
                 running != nullptr ? id + " " + running->version + " runs until dtud starts again" : std::string());
          reply({200, config::to_json(Json(o))});
        });
      },
      kLongestStore);
}

Answer KernelBackend::retry_plugin(const std::string& json) {
  const std::string name = text_in(json, "plugin");
  if (name.empty()) return Answer::error(400, "the body needs \"plugin\": a file, or the id of a plugin");
  const auto jobs = std::make_shared<Jobs>();
  Answer begun = ask([this, name, jobs](const Reply& reply) {
    for (const auto& file : kernel_.components().forgive(name))
      jobs->push_back(kernel_.components().vetting().job_for(file));
    reply({200, {}});
  });
  if (!begun.ok()) return begun;
  if (jobs->empty())
    return Answer::error(404, "\"" + name + "\" is neither refused nor quarantined: see dtuctl plugins --failed");
  const plugins::Vetting::Setup& setup = kernel_.components().vetting().setup();
  std::vector<Probed> found;
  found.reserve(jobs->size());
  for (plugins::ProbeJob& job : *jobs) {
    const plugins::Trust trust = plugins::check_trust(job.file);
    Probed refused;
    refused.end = Probed::End::refused;
    refused.text = trust.refusal;
    const auto link = job.file;
    job.file = trust.file;
    found.push_back(trust.refusal.empty() ? plugins::probe(setup.program, job, setup.limits) : refused);
    job.file = link;
  }
  return ask([this, jobs, found = std::move(found)](const Reply& asker) {
    const Reply reply = audited("plugins.retry", asker);
    config::JsonArray::Ptr list = new config::JsonArray;
    for (size_t i = 0; i < jobs->size(); ++i) {
      auto o = make_object();
      o->set("file", (*jobs)[i].file.string());
      o->set("error", kernel_.components().learn((*jobs)[i].file, found[i]));
      list->add(o);
    }
    reply({200, config::to_json(Json(list))});
  });
}

}  // namespace dtud
