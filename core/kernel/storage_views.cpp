// GET /v1/spool: what offline_storage holds, and what it costs the flash.
#include <Poco/Base64Encoder.h>

#include <algorithm>
#include <sstream>

#include "config/json_text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/views.hpp"
#include "log/utf8.hpp"

namespace dtud::views {
namespace {

using config::Json;
using config::JsonArray;
using config::JsonObject;
using config::make_object;

constexpr double kEraseCycles = 3000;  // what a small eMMC promises of each block
constexpr double kDay_s = 86400;

Json number(uint64_t value) { return Json(static_cast<int64_t>(value)); }

const char* name_of(config::Storage mode) {
  constexpr const char* kNames[] = {"off", "on", "always"};
  return kNames[static_cast<size_t>(mode)];
}

JsonObject::Ptr memory_view(const routing::Backlog& b) {
  auto o = make_object();
  o->set("messages", number(b.in_memory().messages));
  o->set("bytes", number(b.in_memory().bytes));
  o->set("max_messages", number(b.settings().memory_messages));
  o->set("max_bytes", number(b.settings().memory_bytes));
  o->set("file_bytes", number(b.journal_memory()));
  return o;
}

JsonObject::Ptr disk_view(const routing::Backlog& b) {
  const spool::Spool::Facts& facts = b.disk();
  auto o = make_object();
  o->set("messages", number(facts.messages));
  o->set("bytes", number(facts.payload));
  o->set("max_messages", number(b.settings().disk.messages));
  o->set("max_bytes", number(b.settings().disk.bytes));
  o->set("file_bytes", number(facts.disk_bytes));
  o->set("segments", number(facts.segments));
  o->set("bytes_written", number(facts.written));
  o->set("damaged", number(b.damaged()));
  return o;
}

JsonObject::Ptr channel_view(const routing::Channel& c) {
  auto o = make_object();
  o->set("channel", number(c.id));
  const routing::Backlog* b = c.outbox.backlog();
  o->set("mode", std::string(name_of(c.config.outbox.storage)));
  o->set("messages", number(b != nullptr ? b->messages() : 0));
  if (b == nullptr) return o;
  o->set("state", std::string(b->trouble() ? "trouble" : "ok"));
  o->set("error", b->trouble().text);
  o->set("first_seq", number(b->done_seq()));
  o->set("next_seq", number(b->next_seq()));
  o->set("in_flight", number(c.outbox.in_flight()));
  o->set("dropped", number(c.outbox.counters().dropped));
  o->set("cleared", number(c.outbox.counters().cleared));
  o->set("memory", memory_view(*b));
  o->set("disk", disk_view(*b));
  return o;
}

// Folders of channels the document does not have (any more).
JsonArray::Ptr ownerless(Kernel& kernel) {
  JsonArray::Ptr list = new JsonArray;
  for (uint32_t id = 1; id < 99; ++id) {
    if (kernel.router().channel(id) != nullptr || !routing::Backlog::left_over(kernel.storage().storage(), id))
      continue;
    list->add(number(id));
  }
  return list;
}

uint64_t written(Kernel& kernel) {
  uint64_t bytes = 0;
  for (const auto& c : kernel.router().channels())
    if (const routing::Backlog* b = c->outbox.backlog()) bytes += b->disk().written;
  return bytes;
}

}  // namespace

std::optional<double> flash_days(Kernel& kernel) {
  const auto bytes = static_cast<double>(written(kernel));
  const double up_s = static_cast<double>(monotonic_ns() - kernel.started_ns()) / 1e9;
  const auto total = static_cast<double>(kernel.storage().space().total);
  if (bytes == 0 || total == 0 || up_s <= 0) return std::nullopt;
  return total * kEraseCycles / (bytes / up_s * kDay_s);
}

std::string spool(Kernel& kernel) {
  auto o = make_object();
  JsonArray::Ptr list = new JsonArray;
  for (const auto& c : kernel.router().channels()) list->add(channel_view(*c));
  o->set("channels", list);
  o->set("ownerless", ownerless(kernel));
  auto flash = make_object();
  const spool::Disk::Space space = kernel.storage().space();
  flash->set("bytes", number(space.total));
  flash->set("free", number(space.free));
  flash->set("bytes_written", number(written(kernel)));
  const auto days = flash_days(kernel);
  flash->set("days_of_life", days ? Json(std::min(static_cast<int64_t>(*days), int64_t{1'000'000})) : Json());
  o->set("flash", flash);
  return config::to_json(Json(o));
}

std::string spool_page(const std::vector<routing::Backlog::Peeked>& messages) {
  auto o = make_object();
  JsonArray::Ptr list = new JsonArray;
  for (const auto& m : messages) {
    auto item = make_object();
    item->set("seq", number(m.seq));
    item->set("time_ns", m.time_ns);
    item->set("route", m.route);
    if (!m.device.empty()) item->set("device", valid_utf8(m.device));
    item->set("peer", number(m.source));
    item->set("length", number(m.payload.size()));
    std::ostringstream data;
    Poco::Base64Encoder encoder(data);
    encoder.rdbuf()->setLineLength(0);
    encoder.write(m.payload.data(), static_cast<std::streamsize>(m.payload.size()));
    encoder.close();
    item->set("data_b64", data.str());
    list->add(item);
  }
  o->set("messages", list);
  o->set("next", messages.empty() ? Json() : number(messages.back().seq + 1));
  return config::to_json(Json(o));
}

}  // namespace dtud::views
