#include "plugins/event_service.hpp"

#include <algorithm>
#include <limits>

#include "config/json_text.hpp"
#include "config/syntax.hpp"
#include "config/validate.hpp"
#include "events/exchange.hpp"
#include "plugins/context.hpp"
#include "plugins/instance.hpp"
#include "plugins/sound.hpp"

namespace dtud::plugins {
namespace {

// Where the plugin called it from, if that is known: "publish in a timer".
std::string called_from(const Handle& handle, const char* function) {
  const Lane* lane = handle.lane.load();
  return lane != nullptr && lane == Lane::current() ? called_in(*lane, function) : function;
}

dtu_status wrong(Handle& handle, dtu_status status, Fault kind, const std::string& what) {
  handle.faults.load()->note(kind, called_from(handle, "publish"), what);
  return status;
}

size_t most_bytes(const events::Declared& event) {
  return (event.flags & DTU_EVENT_STATE) != 0 ? DTU_EVENT_STATE_JSON_MAX : DTU_EVENT_JSON_MAX;
}

bool is_object(std::string_view json) {
  const size_t first = json.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && json[first] == '{' && config::check_syntax(json).empty();
}

// Why the object does not fit the schema that its plugin declares: "" when it does.
std::string misfit(const events::Declared& event, const std::string& json) {
  if (event.schema.empty()) return {};
  config::Findings findings;
  const auto schema = config::read_json(event.schema, "", findings);
  if (!schema) return "has a schema that is not a JSON object";
  std::string broken;
  const auto validator = config::Validator::make(*schema, broken);
  if (validator == nullptr) return "has an invalid schema: " + broken;
  const auto value = config::read_json(json, "", findings);
  if (!value || validator->accepts(*value)) return {};
  std::vector<config::Problem> problems;
  validator->check(*value, "", {}, problems);
  if (problems.empty()) return {};
  const config::Problem& first = problems.front();
  return "does not fit its schema: " + (first.path.empty() ? "" : first.path + ": ") + first.message;
}

// The cheap questions come first: one that publishes in a loop is refused before its text is looked at.
dtu_status publish(dtu_instance* i, dtu_str name, dtu_str json) noexcept {
  Handle* const found = Handle::find(i, "publish");
  if (found == nullptr) return DTU_E_CLOSED;
  Handle& handle = *found;
  Instance* instance = handle.instance.load(std::memory_order_acquire);
  if (instance == nullptr) return wrong(handle, DTU_E_CLOSED, Fault::late, "comes after destroy()");
  if (handle.closing.load(std::memory_order_relaxed)) return DTU_E_CLOSED;
  if (!is_sound(name) || !is_sound(json))
    return wrong(handle, DTU_E_INVALID, Fault::malformed, "is given a length without a text");
  const auto& declared = *handle.declared.load();
  const auto event = std::find_if(declared.begin(), declared.end(), [&](const events::Declared& d) {
    return d.name.size() == name.len && d.name == view(name);
  });
  if (event == declared.end())
    return wrong(
        handle, DTU_E_DENIED, Fault::malformed,
        "tells event \"" + valid_utf8(view(name).substr(0, 64), 64) + "\", which its dtu.events/1 does not list");
  const size_t most = most_bytes(*event);
  if (json.len > most)
    return wrong(handle, DTU_E_INVALID, Fault::malformed,
                 "tells event " + event->name + " with " + std::to_string(json.len) + " bytes: at most " +
                     std::to_string(most) + " are allowed");
  const int64_t now = monotonic_ns();
  if (!handle.budget.take(static_cast<size_t>(json.len), now)) {
    note_flood(handle, "publish", false);
    return DTU_AGAIN;
  }
  // Made valid here, for whichever lane and process: what is not an object then is none in dtud either.
  std::string told(view(json));
  if (!is_utf8(told)) {
    told = valid_utf8(told);
    const bool fits = told.size() <= most;
    wrong(handle, DTU_OK, Fault::malformed,
          "tells event " + event->name + " with a text that is not UTF-8: " +
              (fits ? "what is not was replaced by U+FFFD" : "made valid it is too long, and dropped"));
    if (!fits) return DTU_E_INVALID;
  }
  if (!is_object(told))
    return wrong(handle, DTU_E_INVALID, Fault::malformed,
                 "tells event " + event->name + " with a text that is not a JSON object");
  const auto number = static_cast<size_t>(event - declared.begin());
  if (!handle.context->main.is_current())
    return handle.context->inbox.publish(handle, number, told) ? DTU_OK : DTU_AGAIN;
  tell_event(*instance, number, std::move(told));
  return DTU_OK;
}

dtu_status subscribe(dtu_instance* i, const dtu_subscription* subscription, uint64_t* id) noexcept {
  if (Instance* instance = on_lane(i, "subscribe"); instance != nullptr) {
    const dtu_status status = instance->context().events->subscribe(instance->mailbox(), subscription, id);
    if (status == DTU_E_INVALID)
      instance->faults().note(Fault::malformed, called_in(instance->lane(), "subscribe"),
                              "is given a null pointer, or a pattern that is neither a name nor ends with a dot");
    return status;
  }
  const bool whole = subscription != nullptr && subscription->struct_size >= sizeof *subscription;
  if (!whole || subscription->destroy == nullptr) return DTU_E_CLOSED;
  try {
    subscription->destroy(subscription->ctx);
  } catch (...) {  // there is no run of an instance whose fault it could be
  }
  return DTU_E_CLOSED;
}

dtu_status unsubscribe(dtu_instance* i, uint64_t id) noexcept {
  Instance* instance = on_lane(i, "unsubscribe");
  if (instance == nullptr) return DTU_E_CLOSED;
  return instance->context().events->unsubscribe(*instance->mailbox(), id) ? DTU_OK : DTU_E_NOT_FOUND;
}

}  // namespace

bool is_event_object(const events::Declared& event, std::string_view json) {
  return json.size() <= most_bytes(event) && is_object(json);
}

void note_flood(Handle& handle, const char* function, bool all) {
  const int64_t now = all ? std::numeric_limits<int64_t>::max() : monotonic_ns();
  const uint64_t times = handle.budget.refusals_to_note(now);
  if (times != 0) handle.faults.load()->note_refused_events(function, times);
}

void tell_event(Instance& instance, size_t event, std::string json) {
  events::Exchange* exchange = instance.context().events;
  if (exchange == nullptr) return;
  const events::Declared& declared = instance.component().events[event];
  const uint64_t bit = uint64_t{1} << event;
  if (exchange->checks_schemas() && (instance.handle().checked_events & bit) == 0) {
    instance.handle().checked_events |= bit;
    if (const std::string why = misfit(declared, json); !why.empty())
      instance.faults().note(Fault::malformed, "publish", "tells event " + declared.name + ", which " + why);
  }
  exchange->publish(instance.name(), declared, std::move(json));
}

const dtu_events_service& event_service() {
  static constexpr dtu_events_service table{sizeof(dtu_events_service), 0, publish, subscribe, unsubscribe};
  return table;
}

}  // namespace dtud::plugins
