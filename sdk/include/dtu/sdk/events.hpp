// Events in C++: the list of those a component tells, telling them, and hearing those of others.
//
//   class Modem : public dtu::Component {
//    public:
//     static constexpr dtu_event_info events[] = {
//         dtu::event("sms.received", "A text message came", R"({"type": "object"})")};
//     ...
//     dtu::Events events_{host_};
//     dtu::Subscription applied_{host_, "config.", [this](const dtu_event& e) { ... }};
//   };
//   DTU_COMPONENT(modem, Modem, DTU_KIND_HAL, "modem", "Modem", "{}", 0, dtu::events_iface<Modem>);
#pragma once
#include <dtu/events.h>
#include <dtu/sdk/host.hpp>

#include <iterator>
#include <string>
#include <utility>

namespace dtu {

// An entry of the list. state: it says how something is, and only the newest one matters.
constexpr dtu_event_info event(const char* name, const char* title, const char* schema = "",
                               bool state = false) noexcept {
  return {sizeof(dtu_event_info), state ? DTU_EVENT_STATE : 0, name, title, schema};
}
constexpr dtu_event_info state_event(const char* name, const char* title, const char* schema = "") noexcept {
  return event(name, title, schema, true);
}

// The list T::events as an interface of T.
template <typename T>
struct EventList {
  static constexpr size_t count = std::size(T::events);
  struct Pointers {
    const dtu_event_info* at[count];
  };
  template <size_t... I>
  static constexpr Pointers pointers(std::index_sequence<I...>) noexcept {
    return {{&T::events[I]...}};
  }
  static constexpr Pointers list = pointers(std::make_index_sequence<count>());
  static constexpr dtu_events table{sizeof(dtu_events), static_cast<uint32_t>(count), list.at};
};
template <typename T>
inline constexpr dtu_iface events_iface{DTU_EVENTS_IFACE, &EventList<T>::table};

// Tells events. Copyable.
class Events {
 public:
  explicit Events(Host host) noexcept : host_(host), svc_(host.service<dtu_events_service>(DTU_EVENTS_SERVICE)) {}
  // [any] See dtu_events_service::publish; DTU_E_UNSUPPORTED: the host has no events. It waits for nobody.
  dtu_status publish(std::string_view name, std::string_view json) const noexcept {
    return svc_ != nullptr ? svc_->publish(host_.instance(), str(name), str(json)) : DTU_E_UNSUPPORTED;
  }
  [[nodiscard]] bool offered() const noexcept { return svc_ != nullptr; }

 private:
  Host host_;
  const dtu_events_service* svc_;
};

// Hears the events that `pattern` selects ("sms.received", "sms."), as long as the object is there. [lane]
class Subscription {
 public:
  // Throws a Failure when the host refuses it.
  Subscription(Host host, std::string_view pattern, std::function<void(const dtu_event&)> fn)
      : host_(host), svc_(host.need<dtu_events_service>(DTU_EVENTS_SERVICE)), fn_(std::move(fn)) {
    const dtu_subscription s{sizeof s, 0, str(pattern), run, nullptr, this};
    if (const dtu_status status = svc_.subscribe(host_.instance(), &s, &id_); status != DTU_OK)
      throw Failure(status, "the host takes no subscription to events \"" + std::string(pattern) + "\"");
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() { svc_.unsubscribe(host_.instance(), id_); }

 private:
  static void run(void* self, const dtu_event* e) noexcept { static_cast<Subscription*>(self)->call(*e); }
  void call(const dtu_event& e) noexcept {
    const Host host = host_;  // fn_ may destroy this object
    dtu_error error{};
    if (guarded(&error, [&] {
          fn_(e);
          return DTU_OK;
        }) != DTU_OK)
      host.error(std::string("event: ") + error.message);
  }
  Host host_;
  const dtu_events_service& svc_;
  std::function<void(const dtu_event&)> fn_;
  uint64_t id_ = 0;
};

}  // namespace dtu
