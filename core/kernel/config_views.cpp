// The history of the device document and of the calls, as the JSON of docs/control-api.md.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "config/json_text.hpp"
#include "config/state_file.hpp"
#include "kernel/kernel.hpp"
#include "kernel/views.hpp"

namespace dtud::views {
namespace {

using config::Json;
using config::JsonArray;
using config::JsonObject;
using config::make_object;

}  // namespace

JsonArray::Ptr damaged(Kernel& kernel) {
  std::vector<std::string> all = kernel.changes().damaged();
  if (const std::string audit = kernel.calls().audit().trouble(); !audit.empty()) all.push_back(audit);
  for (const auto& channel : kernel.router().channels())
    if (const routing::Backlog* backlog = channel->outbox.backlog())
      for (const std::string& note : backlog->notes()) all.push_back(channel->name + ": " + note);
  // Kept until a person removes them, also by an earlier dtud.
  constexpr std::array<const char*, 8> kFiles = {"trial.json",          "unproven.json",         "history/ran",
                                                 "audit.log",           "upgrade/order.json",    "upgrade/budget.json",
                                                 "plugins/probes.json", "plugins/installed.json"};
  for (const char* name : kFiles) {
    const std::string file = kernel.options().state_dir + "/" + name + std::string(config::kRejected);
    const auto names = [&](const std::string& text) { return text.find(file) != std::string::npos; };
    if (::access(file.c_str(), F_OK) == 0 && std::none_of(all.begin(), all.end(), names))
      all.push_back(file + " holds what dtud could not use");
  }
  JsonArray::Ptr list = new JsonArray;
  for (const std::string& text : all) list->add(text);
  return list;
}

JsonObject::Ptr config_state(Kernel& kernel) {
  constexpr int64_t kSecond = 1'000'000'000;
  Changes& changes = kernel.changes();
  auto o = make_object();
  o->set("revision", changes.revision());
  o->set("applied", changes.all_applied());
  o->set("rolled_back", changes.last_rollback());
  const DeviceFileState file = changes.file_state();
  o->set("file_edited", file.edited);
  o->set("file_refused", file.refused);
  o->set("file_rejected", file.rejected);
  JsonArray::Ptr skipped = new JsonArray;
  for (const auto& channel : changes.latest().skipped) {
    auto s = make_object();
    s->set("channel", static_cast<int64_t>(channel.id));
    s->set("reason", channel.reason);
    skipped->add(s);
  }
  o->set("skipped", skipped);
  if (const auto& trial = changes.trial()) {
    const int64_t left_ns = changes.trial_left_ns();
    auto t = make_object();
    t->set("revision", trial->tried);
    t->set("good", trial->good);
    t->set("local", trial->local);
    t->set("source", trial->senders.back().source);
    JsonArray::Ptr sources = new JsonArray;
    for (const auto& sender : trial->senders) sources->add(sender.source);
    t->set("sources", sources);
    JsonArray::Ptr parts = new JsonArray;
    for (const auto& part : changes.trial_parts()) parts->add(config::dotted(part));
    t->set("changed", parts);
    t->set("since_ns", trial->since_ns);
    t->set("until_ns", left_ns == 0 ? int64_t{0} : kernel.lane().unix_ns() + left_ns);
    t->set("seconds_left", (left_ns + kSecond - 1) / kSecond);
    o->set("trial", t);
  }
  return o;
}

std::string history(Kernel& kernel) {
  const Changes& changes = kernel.changes();
  JsonArray::Ptr list = new JsonArray;
  const auto ids = changes.history().ids();
  auto rejected = changes.rejected();
  // Where it belongs by its time; it is no revision.
  const auto add_rejected = [&](int64_t before_ns) {
    if (!rejected || rejected->time_ns < before_ns) return;
    auto o = make_object();
    o->set("revision", Json());
    o->set("time_ns", rejected->time_ns);
    o->set("source", std::string("file"));
    o->set("note", "kept as " + rejected->file + ": " + rejected->why);
    o->set("bytes", rejected->bytes);
    o->set("state", std::string("rejected"));
    list->add(o);
    rejected.reset();
  };
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    const auto revision = changes.history().get(*id);
    if (revision) add_rejected(revision->time_ns);
    auto o = make_object();
    o->set("revision", *id);
    o->set("time_ns", revision ? revision->time_ns : 0);
    o->set("source", revision ? revision->source : "");
    o->set("note", revision ? revision->note : "its file cannot be read");
    o->set("bytes", revision ? revision->text.size() : 0);
    const bool tried = changes.trial() && changes.trial()->tried == *id;
    const bool unproven = revision && revision->unproven;
    o->set("state", std::string(tried                       ? "on trial"
                                : *id == changes.revision() ? "present"
                                : unproven                  ? "not proven"
                                                            : ""));
    list->add(o);
  }
  add_rejected(0);
  return config::to_json(Json(list));
}

std::string revision(Kernel& kernel, uint64_t id) {
  const auto revision = kernel.changes().history().get(id);
  if (!revision) return {};
  config::Findings findings;
  const auto device = config::read_device(revision->text, "", kernel.components().schemas(), findings);
  return device ? config::masked(*device) : std::string();
}

std::string audit(Kernel& kernel) {
  JsonArray::Ptr list = new JsonArray;
  for (const auto& entry : kernel.calls().audit().entries()) {
    auto o = make_object();
    o->set("time_ns", entry.time_ns);
    o->set("source", entry.source);
    o->set("command", entry.command);
    o->set("result", entry.result);
    o->set("error", entry.error);
    o->set("times", entry.times);
    list->add(o);
  }
  return config::to_json(Json(list));
}

}  // namespace dtud::views
