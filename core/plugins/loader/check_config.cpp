#include "plugins/loader/check_config.hpp"

#include <exception>

#include "plugins/sound.hpp"

namespace dtud::plugins {
namespace {

constexpr size_t kMostFaults = 64, kMostNames = 256, kLongestText = 1000, kLongestPath = 256;

using config::Checkup;

std::vector<Checkup::Note>* list_of(Checkup& checkup, uint32_t level) {
  switch (level) {
    case DTU_FINDING_ERROR:
      return &checkup.errors;
    case DTU_FINDING_WARNING:
      return &checkup.warnings;
    case DTU_FINDING_CLAIM:
      return &checkup.claims;
    case DTU_FINDING_OFFER:
      return &checkup.offers;
    default:
      return nullptr;  // of a newer minor
  }
}

void keep(Checkup& checkup, uint32_t level, std::string_view path, std::string_view text) {
  auto* list = list_of(checkup, level);
  if (list == nullptr || text.empty()) return;
  const bool fault = level == DTU_FINDING_ERROR || level == DTU_FINDING_WARNING;
  if (list->size() >= (fault ? kMostFaults : kMostNames)) return;
  const bool pointer = path.size() <= kLongestPath && !path.empty() && path.front() == '/';
  list->push_back({pointer ? valid_utf8(path) : std::string(), valid_utf8(text, kLongestText)});
}

void take(void* ctx, const dtu_finding* raw) {
  if (raw == nullptr || raw->struct_size < sizeof *raw) return;
  keep(*static_cast<Checkup*>(ctx), raw->level, view(raw->path), view(raw->text));
}

}  // namespace

std::optional<Checkup> check_config(const LoadedComponent& component, const std::string& json) {
  if (component.ops.check == nullptr) return std::nullopt;
  Checkup checkup;
  dtu_error error{sizeof error, DTU_OK, 0, 0, {}};
  std::string why;
  try {
    if (component.ops.check({json.data(), json.size()}, take, &checkup, &error) != DTU_OK) {
      error.message[sizeof error.message - 1] = '\0';
      why = error.message[0] != '\0' ? error.message : "the plugin gives no reason";
    }
  } catch (const std::exception& e) {
    why = e.what();
  } catch (...) {
    why = "an exception that is not a std::exception";
  }
  if (!why.empty())
    checkup.warnings.push_back({"", "the plugin could not check this configuration: " + valid_utf8(why, kLongestText)});
  return checkup;
}

config::JsonObject::Ptr to_json(const Checkup& checkup) {
  config::JsonArray::Ptr list = new config::JsonArray;
  Checkup copy = checkup;
  for (uint32_t level = DTU_FINDING_ERROR; level <= DTU_FINDING_OFFER; ++level)
    for (const Checkup::Note& note : *list_of(copy, level)) {
      auto o = config::make_object();
      o->set("level", level);
      o->set("path", note.path);
      o->set("text", note.text);
      list->add(o);
    }
  auto out = config::make_object();
  out->set("findings", list);
  return out;
}

Checkup checkup_of(const config::Json& json) {
  Checkup out;
  const config::JsonObject* object = config::as_object(json);
  const config::Json list = object != nullptr ? object->get("findings") : config::Json();
  if (const config::JsonArray* findings = config::as_list(list))
    for (const config::Json& finding : *findings)
      if (const config::JsonObject* f = config::as_object(finding))
        keep(out, static_cast<uint32_t>(config::as_integer(f->get("level"))), config::as_text(f->get("path")),
             config::as_text(f->get("text")));
  return out;
}

}  // namespace dtud::plugins
