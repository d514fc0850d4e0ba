// The history of the device document and of the calls, as the JSON of docs/control-api.md.
#include <algorithm>

#include "config/json_text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/views.hpp"

namespace dtud::views {
namespace {

using config::Json;
using config::JsonArray;
using config::JsonObject;
using config::make_object;

}  // namespace

JsonObject::Ptr config_state(Kernel& kernel) {
  constexpr int64_t kSecond = 1'000'000'000;
  Changes& changes = kernel.changes();
  auto o = make_object();
  o->set("revision", changes.revision());
  o->set("applied", changes.all_applied());
  o->set("rolled_back", changes.last_rollback());
  const Changes::FileState file = changes.file_state();
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
    t->set("source", trial->source);
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
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    const auto revision = changes.history().get(*id);
    auto o = make_object();
    o->set("revision", *id);
    o->set("time_ns", revision ? revision->time_ns : 0);
    o->set("source", revision ? revision->source : "");
    o->set("note", revision ? revision->note : "its file cannot be read");
    o->set("bytes", revision ? revision->text.size() : 0);
    const bool tried = changes.trial() && changes.trial()->tried == *id;
    o->set("state", std::string(tried ? "on trial" : *id == changes.revision() ? "present" : ""));
    list->add(o);
  }
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
