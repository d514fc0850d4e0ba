#include "kernel/views.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "config/json_text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/process.hpp"
#include "kernel/version.hpp"
#include "log/utf8.hpp"
#include "plugins/loader/types.hpp"

namespace dtud::views {
namespace {

using config::Json;
using config::JsonArray;
using config::JsonObject;
using config::make_object;

JsonArray::Ptr make_list() { return new JsonArray; }

template <typename T>
Json number(T value) {
  return Json(static_cast<int64_t>(value));
}

// What a plugin gave as JSON, if it is an object; else {}.
Json object_of(const std::string& json) {
  config::Findings findings;
  auto value = config::read_json(json, "", findings);
  return value ? *value : Json(make_object());
}

JsonObject::Ptr isolation_view(const plugins::isolation::Isolation::Seen& seen) {
  auto o = make_object();
  o->set("pid", number(seen.pid));
  o->set("rss_kib", number(seen.rss_kib));
  o->set("deaths", number(seen.deaths));
  o->set("last_death", seen.last_death);
  return o;
}

JsonObject::Ptr instance_view(Kernel& kernel, plugins::Instance& i) {
  auto o = make_object();
  o->set("name", i.name());
  o->set("kind", std::string(plugins::kind_name(i.component().kind)));
  o->set("type", i.component().type);
  o->set("plugin", i.plugin_id());
  o->set("state", std::string(plugins::name_of_state(i.state())));
  o->set("error", i.error());
  o->set("restarts", number(i.restarts()));
  o->set("lane", i.lane().name());
  o->set("quarantined", !i.quarantine().empty());
  o->set("faults", faults(i.faults()));
  o->set("health", object_of(i.health()));
  // Also before it first ran, and between two runs: pid 0.
  if (i.component().isolated) {
    const auto seen = kernel.isolation().look(i.name());
    o->set("isolated", isolation_view(seen ? *seen : plugins::isolation::Isolation::Seen{}));
  }
  return o;
}

template <typename Fn>
void each_instance(Kernel& kernel, Fn fn) {
  for (const auto& member : kernel.members()) fn(*member);
  for (const auto& channel : kernel.router().channels())
    if (channel->instance != nullptr) fn(*channel->instance);
}

const char* name_of(commands::Access::Kind kind) {
  switch (kind) {
    case commands::Access::Kind::set:
      return "set";
    case commands::Access::Kind::initial:
      return "initial";
    case commands::Access::Kind::none:
      return "none";
  }
  return "none";
}

const char* name_of(routing::Policy policy) {
  switch (policy) {
    case routing::Policy::block:
      return "block";
    case routing::Policy::drop_oldest:
      return "drop-oldest";
    case routing::Policy::drop_newest:
      return "drop-newest";
  }
  return "";
}

JsonObject::Ptr rejections_view(const routing::Outbox::Counters& counters) {
  auto o = make_object();
  for (size_t i = 0; i < routing::kRejections; ++i) {
    auto one = make_object();
    one->set("messages", number(counters.rejections.at(i).messages));
    one->set("bytes", number(counters.rejections.at(i).bytes));
    o->set(routing::name_of(static_cast<routing::Rejected>(i)), one);
  }
  return o;
}

// A channel of the document that cannot run, with the members of one that does.
JsonObject::Ptr skipped_view(const config::SkippedChannel& channel) {
  auto o = make_object();
  o->set("id", number(channel.id));
  o->set("type", channel.type);
  o->set("state", std::string(plugins::name_of_state(DTU_STATE_FAILED)));
  o->set("error", channel.reason);
  o->set("quarantined", false);
  o->set("port", channel.port);
  auto box = make_object();
  for (const char* none : {"messages", "bytes", "in_flight", "max_messages", "max_bytes", "accepted", "delivered",
                           "unconfirmed", "overtaken", "dropped", "no_receiver", "rejected", "resent"})
    box->set(none, number(0));
  box->set("overflow", std::string());
  box->set("rejections", rejections_view({}));
  o->set("outbox", box);
  for (const char* none : {"rx_messages", "rx_bytes", "tx_messages", "tx_bytes"}) o->set(none, number(0));
  o->set("health", make_object());
  return o;
}

}  // namespace

JsonObject::Ptr faults(const plugins::Faults& faults) {
  auto o = make_object();
  for (const auto& [kind, last] : faults.read()) {
    auto one = make_object();
    one->set("count", number(last.count));
    one->set("function", last.function);
    one->set("last", last.text);
    one->set("at_ns", last.at_ns);
    o->set(plugins::name_of(kind), one);
  }
  return o;
}

JsonArray::Ptr instances(Kernel& kernel, const plugins::LoadedComponent* of) {
  auto list = make_list();
  each_instance(kernel, [&](plugins::Instance& i) {
    // That of an isolated one is a stand-in of its own, with the same kind and type.
    const plugins::LoadedComponent& its = i.component();
    if (of == nullptr || &its == of || (its.isolated && its.kind == of->kind && its.type == of->type))
      list->add(instance_view(kernel, i));
  });
  return list;
}

JsonObject::Ptr finding(const config::Finding& f) {
  auto o = make_object();
  o->set("severity", std::string(f.severity == config::Finding::Severity::error ? "error" : "warning"));
  o->set("document", f.document);
  o->set("path", f.path);
  o->set("line", f.line);
  o->set("column", f.column);
  o->set("message", f.message);
  if (f.known) o->set("known", true);
  return o;
}

std::string status(Kernel& kernel) {
  const ProcessFacts process = read_process_facts();
  auto o = make_object();
  o->set("version", std::string(kVersion));
  o->set("abi", std::to_string(DTU_ABI_MAJOR) + "." + std::to_string(DTU_ABI_MINOR));
  o->set("pid", number(::getpid()));
  o->set("uptime_s", number((monotonic_ns() - kernel.started_ns()) / 1'000'000'000));
  o->set("board_file", kernel.options().board_file);
  o->set("device_file", kernel.options().device_file);
  o->set("state_dir", kernel.options().state_dir);
  o->set("password", std::string(name_of(kernel.access().kind())));
  o->set("protocol", std::string(kernel.access().stopped ? "stopped" : "running"));
  o->set("config", config_state(kernel));
  o->set("damaged", damaged(kernel));
  o->set("rss_kib", number(process.rss_kib));
  o->set("threads", number(process.threads));
  o->set("stalls", number(kernel.stalls()));
  o->set("dead_images", number(kernel.components().dead_images()));
  o->set("instances", instances(kernel, nullptr));
  return config::to_json(Json(o));
}

std::string commands(Kernel& kernel) {
  auto list = make_list();
  const auto add = [&list](const commands::Command& c) {
    auto o = make_object();
    o->set("name", c.name);
    o->set("title", c.title);
    auto codes = make_list();
    for (const uint32_t code : c.codes) codes->add(number(code));
    o->set("codes", codes);
    o->set("level", std::string(commands::level_of(c.flags)));
    o->set("shared", (c.flags & DTU_COMMAND_SHARED) != 0);
    o->set("provider", c.provider != nullptr ? c.provider->name() : "kernel");
    o->set("args_schema", c.arguments->schema().empty() ? Json() : object_of(c.arguments->schema()));
    list->add(o);
  };
  for (const auto& [name, offers] : kernel.directory().commands())
    for (const commands::Command& c : offers) add(c);
  return config::to_json(Json(list));
}

std::string events(Kernel& kernel) {
  auto list = make_list();
  const auto add = [&](const events::Declared& event, const std::string& source) {
    auto o = make_object();
    o->set("name", event.name);
    o->set("title", valid_utf8(event.title));
    o->set("state", (event.flags & DTU_EVENT_STATE) != 0);
    o->set("source", source);
    o->set("schema", event.schema.empty() ? Json() : object_of(event.schema));
    list->add(o);
  };
  for (const events::Declared& event : Announcements::declared()) add(event, "kernel");
  each_instance(kernel, [&](const plugins::Instance& i) {
    for (const events::Declared& event : i.component().events) add(event, i.name());
  });
  return config::to_json(Json(list));
}

std::string points(Kernel& kernel) {
  auto list = make_list();
  for (const auto& [name, p] : kernel.directory().points()) {
    auto o = make_object();
    o->set("name", name);
    o->set("unit", p.unit);
    o->set("title", p.title);
    o->set("writable", (p.flags & DTU_POINT_WRITABLE) != 0);
    o->set("provider", p.provider->name());
    list->add(o);
  }
  return config::to_json(Json(list));
}

std::string ports(Kernel& kernel) {
  auto list = make_list();
  for (const auto& p : kernel.router().ports()) {
    auto o = make_object();
    o->set("id", p->id);
    o->set("device", p->device);
    o->set("state", std::string(plugins::name_of_state(p->state)));
    o->set("error", p->error);
    o->set("dialect", p->link != nullptr ? p->link->dialect : p->config.mode);
    auto bound = make_list();
    auto drops = make_object();
    if (p->link != nullptr) {
      for (const routing::Channel* c : p->link->channels) bound->add(number(c->id));
      for (const auto& [reason, d] : p->link->drops) drops->set(reason, number(d.messages));
    }
    o->set("channels", bound);
    o->set("rx_bytes", number(p->traffic.rx_bytes));
    o->set("rx_messages", number(p->traffic.rx_messages));
    o->set("tx_bytes", number(p->traffic.tx_bytes));
    o->set("tx_messages", number(p->traffic.tx_messages));
    o->set("queued_messages", number(p->queue.size()));
    o->set("queued_bytes", number(p->queued_bytes));
    o->set("dropped", number(p->dropped()));
    auto reasons = make_object();
    for (size_t i = 0; i < routing::kPortDrops; ++i)
      if (p->drops.at(i) != 0)
        reasons->set(routing::name_of(static_cast<routing::PortDrop>(i)), number(p->drops.at(i)));
    o->set("drops", reasons);
    o->set("dialect_drops", drops);
    if (p->config.echo) {
      o->set("echo_mismatches", number(p->echo.counters().mismatches));
      o->set("echo_missing", number(p->echo.counters().missing));
    }
    o->set("blocked", p->link != nullptr && p->link->blocked());
    list->add(o);
  }
  return config::to_json(Json(list));
}

std::string channels(Kernel& kernel) {
  auto list = make_list();
  for (const auto& c : kernel.router().channels()) {
    auto o = make_object();
    o->set("id", number(c->id));
    o->set("type", c->config.type);
    o->set("state",
           std::string(plugins::name_of_state(c->instance != nullptr ? c->instance->state() : DTU_STATE_STOPPED)));
    o->set("error", c->instance != nullptr ? c->instance->error() : "no plugin offers this type");
    o->set("quarantined", c->instance != nullptr && !c->instance->quarantine().empty());
    o->set("port", c->config.port);
    auto box = make_object();
    const auto counters = c->outbox.counters();
    box->set("messages", number(c->outbox.messages()));
    box->set("bytes", number(c->outbox.bytes()));
    box->set("in_flight", number(c->outbox.in_flight()));
    box->set("max_messages", number(c->outbox.limits().messages));
    box->set("max_bytes", number(c->outbox.limits().bytes));
    box->set("overflow", std::string(name_of(c->outbox.limits().policy)));
    box->set("accepted", number(counters.accepted));
    box->set("delivered", number(counters.delivered));
    box->set("overtaken", number(counters.overtaken));
    box->set("dropped", number(counters.dropped));
    box->set("no_receiver", number(counters.no_receiver));
    box->set("unconfirmed", number(counters.unconfirmed));
    box->set("rejected", number(counters.rejected));
    box->set("rejections", rejections_view(counters));
    if (counters.rejected != 0) {
      auto last = make_object();
      last->set("reason", std::string(routing::name_of(counters.last_rejected)));
      last->set("bytes", number(counters.rejections.at(static_cast<size_t>(counters.last_rejected)).last_bytes));
      box->set("last_rejected", last);
    }
    box->set("resent", number(counters.resent));
    o->set("outbox", box);
    o->set("rx_messages", number(c->traffic.rx_messages));
    o->set("rx_bytes", number(c->traffic.rx_bytes));
    o->set("tx_messages", number(c->traffic.tx_messages));
    o->set("tx_bytes", number(c->traffic.tx_bytes));
    o->set("health", c->instance != nullptr ? object_of(c->instance->health()) : Json(make_object()));
    list->add(o);
  }
  for (const auto& skipped : kernel.changes().latest().skipped)
    if (kernel.router().channel(skipped.id) == nullptr) list->add(skipped_view(skipped));
  return config::to_json(Json(list));
}

std::string channel_states(Kernel& kernel) {
  auto all = make_object();
  for (const auto& c : kernel.router().channels()) {
    auto o = make_object();
    o->set("type", c->config.type);
    o->set("state",
           std::string(plugins::name_of_state(c->instance != nullptr ? c->instance->state() : DTU_STATE_STOPPED)));
    if (c->instance != nullptr) {
      const Json health = object_of(c->instance->health());
      if (const JsonObject* said = config::as_object(health); said != nullptr && said->has("dtu_state"))
        o->set("dtu_state", said->get("dtu_state"));
    }
    all->set(std::to_string(c->id), o);
  }
  for (const auto& skipped : kernel.changes().latest().skipped) {
    if (kernel.router().channel(skipped.id) != nullptr) continue;
    auto o = make_object();
    o->set("type", skipped.type);
    o->set("state", std::string(plugins::name_of_state(DTU_STATE_FAILED)));
    o->set("error", skipped.reason);
    all->set(std::to_string(skipped.id), o);
  }
  return config::to_json(Json(all));
}

}  // namespace dtud::views
