// Every service but dtu.invoke/1 (invoke.cpp) and dtu.events/1 (events.cpp).
#include <sys/stat.h>
#include <dtu/sdk/text.hpp>

#include <cerrno>
#include <cstring>

#include "host/state.hpp"

namespace dtu::host {
namespace {

InstanceRecord& at(dtu_instance* i) { return InstanceRecord::of(i); }
State& host(dtu_instance* i) { return *at(i).host; }

// A [lane] service called on the lane by a living instance; the answer otherwise is DTU_E_CLOSED.
template <typename Body>
dtu_status lane(dtu_instance* i, const char* function, Body&& body) {
  if (host(i).refuses(at(i), function)) return DTU_E_INTERNAL;
  return host(i).on_lane(at(i), function) ? body() : DTU_E_CLOSED;
}

// Something the host shall keep, of a living instance and whole. What is refused is ended within the call, unless it is
// too short to say how.
template <typename Given, typename Body>
dtu_status keep(dtu_instance* i, const char* function, const Given* given, bool refused, Body&& body) {
  if (given == nullptr || given->struct_size < sizeof(Given)) {
    host(i).misbehaved(&at(i), rules::arguments,
                       at(i).type + " called " + function + " with a struct that is too short");
    return DTU_E_INVALID;
  }
  dtu_status status = refused ? DTU_E_CLOSED : DTU_OK;
  if (!refused && given->fn == nullptr) {
    host(i).misbehaved(&at(i), rules::arguments, at(i).type + " called " + function + " without a function");
    status = DTU_E_INVALID;
  }
  if (status == DTU_OK) status = body();
  if (status < 0 && given->destroy != nullptr) given->destroy(given->ctx);
  return status;
}

// [lane]
template <typename Given, typename Body>
dtu_status keep_on_lane(dtu_instance* i, const char* function, const Given* given, Body&& body) {
  const bool fails = host(i).refuses(at(i), function);
  const bool refused = !fails && !host(i).on_lane(at(i), function);
  return keep(i, function, given, refused, [&]() -> dtu_status { return fails ? DTU_E_INTERNAL : body(); });
}

constexpr dtu_timer_service timers{sizeof(dtu_timer_service),
                                   0,
                                   [](dtu_instance* i, const dtu_timer* timer, uint64_t* id) {
                                     return keep_on_lane(i, "timer.create", timer, [&]() -> dtu_status {
                                       *id = host(i).loop.add_timer(i, *timer);
                                       return DTU_OK;
                                     });
                                   },
                                   [](dtu_instance* i, uint64_t id, uint64_t delay_us, uint64_t period_us) {
                                     return lane(i, "timer.arm",
                                                 [&] { return host(i).loop.arm_timer(i, id, delay_us, period_us); });
                                   },
                                   [](dtu_instance* i, uint64_t id) {
                                     return lane(i, "timer.disarm", [&] { return host(i).loop.disarm_timer(i, id); });
                                   },
                                   [](dtu_instance* i, uint64_t id) {
                                     return lane(i, "timer.destroy", [&] { return host(i).loop.remove_timer(i, id); });
                                   }};

constexpr dtu_fd_service fds{
    sizeof(dtu_fd_service), 0,
    [](dtu_instance* i, const dtu_watch* watch, uint64_t* id) {
      return keep_on_lane(i, "fd.add", watch, [&] { return host(i).loop.add_fd(i, *watch, id); });
    },
    [](dtu_instance* i, uint64_t id, uint32_t events) {
      return lane(i, "fd.modify", [&] { return host(i).loop.modify_fd(i, id, events); });
    },
    [](dtu_instance* i, uint64_t id) { return lane(i, "fd.remove", [&] { return host(i).loop.remove_fd(i, id); }); }};

constexpr dtu_post_service posts{sizeof(dtu_post_service), 0, [](dtu_instance* i, const dtu_task* task) -> dtu_status {
                                   const bool refused = !host(i).may_call(at(i), "post");
                                   return keep(i, "post", task, refused, [&]() -> dtu_status {
                                     if (host(i).refuses(at(i), "post")) return DTU_AGAIN;
                                     host(i).loop.post(i, [t = *task] { t.fn(t.ctx); }, {task->destroy, task->ctx});
                                     return DTU_OK;
                                   });
                                 }};

constexpr size_t key_max = 64;
constexpr size_t value_max = size_t{64} << 10U;

bool good_key(const std::string& key) {
  return !key.empty() && key.size() <= key_max &&
         key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string::npos;
}

constexpr dtu_kv_service kv{
    sizeof(dtu_kv_service), 0,
    [](dtu_instance* i, dtu_str key, dtu_text_fn fn, void* ctx) {
      return lane(i, "kv.get", [&]() -> dtu_status {
        if (!host(i).sound(at(i), "kv.get", {key})) return DTU_E_INVALID;
        const auto& all = host(i).kv[at(i).type];
        const auto it = all.find(text(key));
        if (it == all.end()) return good_key(text(key)) ? DTU_E_NOT_FOUND : DTU_E_INVALID;
        const std::string value = it->second;  // fn may set the same key
        fn(ctx, {value.data(), value.size()});
        return DTU_OK;
      });
    },
    [](dtu_instance* i, const dtu_kv_change* change) {
      return lane(i, "kv.change", [&]() -> dtu_status {
        const dtu_kv_change c = *change;
        const auto refused = [&](dtu_status status) {
          if (c.destroy != nullptr) c.destroy(c.ctx);
          return status;
        };
        if (host(i).refuses(at(i), "kv.change")) return refused(DTU_AGAIN);
        if (!host(i).sound(at(i), "kv.change", {c.key, c.value}) || !good_key(text(c.key)) || c.value.len > value_max)
          return refused(DTU_E_INVALID);
        size_t all = text(c.key).size() + c.value.len;
        for (const auto& [key, value] : host(i).kv[at(i).type])
          if (key != text(c.key)) all += key.size() + value.size();
        if (c.value.ptr != nullptr && all > DTU_KV_MAX) return refused(DTU_AGAIN);
        if (c.value.ptr == nullptr)
          host(i).kv[at(i).type].erase(text(c.key));
        else
          host(i).kv[at(i).type][text(c.key)] = text(c.value);
        host(i).loop.post(i, [c] {
          if (c.done != nullptr) c.done(c.ctx, DTU_OK, nullptr);
          if (c.destroy != nullptr) c.destroy(c.ctx);
        });
        return DTU_PENDING;
      });
    }};

// A folder of each instance's component, which is gone with the host.
std::string folder_of(dtu_instance* i) {
  const std::string folder = host(i).folders() + "/" + at(i).type;
  return ::mkdir(folder.c_str(), S_IRWXU) == 0 || errno == EEXIST ? folder : std::string();
}
constexpr dtu_folder_service folders{sizeof(dtu_folder_service), 0,
                                     [](dtu_instance* i, dtu_text_fn fn, void* ctx) {
                                       return lane(i, "folder.path", [&]() -> dtu_status {
                                         const std::string folder = folder_of(i);
                                         if (folder.empty()) return DTU_E_IO;
                                         fn(ctx, {folder.data(), folder.size()});
                                         return host(i).folder_is_full ? DTU_AGAIN : DTU_OK;
                                       });
                                     },
                                     [](dtu_instance* i, dtu_folder_usage* usage) {
                                       return lane(i, "folder.usage", [&]() -> dtu_status {
                                         if (usage == nullptr || usage->struct_size < sizeof *usage)
                                           return DTU_E_INVALID;
                                         usage->quota = uint64_t{16} << 20U;
                                         usage->used = host(i).folder_is_full ? usage->quota + 1 : 0;
                                         return DTU_OK;
                                       });
                                     }};

constexpr dtu_metrics_service metrics{sizeof(dtu_metrics_service), 0,
                                      [](dtu_instance* i, uint32_t kind, dtu_str name, dtu_str /*help*/, uint64_t* id) {
                                        return lane(i, "metrics.add", [&]() -> dtu_status {
                                          if (!host(i).sound(at(i), "metrics.add", {name})) return DTU_E_INVALID;
                                          const auto added = host(i).add_metric(at(i), kind, text(name));
                                          if (added) *id = *added;
                                          return added ? DTU_OK : DTU_E_INVALID;
                                        });
                                      },
                                      [](dtu_instance* i, uint64_t id, uint64_t by) {
                                        if (host(i).may_call(at(i), "metrics.increase")) host(i).set_metric(id, by, {});
                                      },
                                      [](dtu_instance* i, uint64_t id, int64_t value) {
                                        if (host(i).may_call(at(i), "metrics.set")) host(i).set_metric(id, 0, value);
                                      }};

bool is_open(dtu_instance* i, uint64_t link, const char* function) {
  if (!host(i).strict || host(i).open_links.count(link) != 0) return true;
  host(i).misbehaved(
      &at(i), rules::link_closed,
      at(i).type + " called " + function + " for link " + std::to_string(link) + ", which has no open session of it");
  return false;
}

dtu_status link_write(dtu_instance* i, uint64_t link, uint32_t channel, const dtu_msg* m) {
  if (!is_open(i, link, channel == 0 ? "link.to_port" : "link.to_channel")) return DTU_E_NOT_FOUND;
  if (!host(i).sound(at(i), "dtu.link/1", {m->payload, m->route, m->device})) return DTU_E_INVALID;
  if (m->payload.len > DTU_PAYLOAD_MAX || m->route.len > DTU_ROUTE_MAX || m->device.len > DTU_DEVICE_MAX)
    return DTU_E_INVALID;
  LinkWrite w;
  static_cast<Message&>(w) = copy(*m);
  w.by = i;
  w.link = link;
  w.channel = channel;
  const dtu_status status = host(i).on_link_write ? host(i).on_link_write(w) : DTU_OK;
  if (status == DTU_OK) host(i).write_down(&Records::link_writes, std::move(w));
  return status;
}

constexpr dtu_link_service links{sizeof(dtu_link_service),
                                 0,
                                 [](dtu_instance* i, uint64_t link, const dtu_msg* m) {
                                   return lane(i, "link.to_port", [&] { return link_write(i, link, 0, m); });
                                 },
                                 [](dtu_instance* i, uint64_t link, uint32_t channel, const dtu_msg* m) {
                                   return lane(i, "link.to_channel", [&] { return link_write(i, link, channel, m); });
                                 },
                                 [](dtu_instance* i, uint64_t link, dtu_str reason, uint64_t bytes) {
                                   lane(i, "link.drop", [&]() -> dtu_status {
                                     if (!is_open(i, link, "link.drop")) return DTU_E_NOT_FOUND;
                                     if (!host(i).sound(at(i), "link.drop", {reason})) return DTU_E_INVALID;
                                     host(i).write_down(&Records::drops, Drop{i, link, text(reason), bytes});
                                     return DTU_OK;
                                   });
                                 },
                                 [](dtu_instance* i, uint64_t link, uint32_t which, uint64_t* bytes) {
                                   return lane(i, "link.discard", [&]() -> dtu_status {
                                     if (bytes != nullptr) *bytes = 0;
                                     if (which == 0 || which > 3) return DTU_E_INVALID;
                                     host(i).write_down(&Records::line_calls, LineCall{i, link, which, {}});
                                     return DTU_OK;
                                   });
                                 },
                                 [](dtu_instance* i, uint64_t link, const dtu_line* line, dtu_error* error) {
                                   return lane(i, "link.set_line", [&]() -> dtu_status {
                                     LineCall call{i, link, 0, dtu_line{sizeof(dtu_line), 0, 0, 0, -1, 0}};
                                     if (line != nullptr && line->struct_size < sizeof *line) return DTU_E_INVALID;
                                     if (line != nullptr) call.line = *line;
                                     if (host(i).line_refusal != DTU_OK)
                                       return fail(error, host(i).line_refusal, "refused by the test");
                                     host(i).write_down(&Records::line_calls, std::move(call));
                                     return DTU_OK;
                                   });
                                 }};

}  // namespace

const void* find_service(const char* id) {
  static const std::map<std::string, const void*> all{
      {DTU_TIMER_SERVICE, &timers},         {DTU_FD_SERVICE, &fds},
      {DTU_POST_SERVICE, &posts},           {DTU_KV_SERVICE, &kv},
      {DTU_FOLDER_SERVICE, &folders},       {DTU_METRICS_SERVICE, &metrics},
      {DTU_LINK_SERVICE, &links},           {DTU_INVOKE_SERVICE, &invoke_table()},
      {DTU_EVENTS_SERVICE, &events_table()}};
  const auto it = all.find(id);
  return it == all.end() ? nullptr : it->second;
}

}  // namespace dtu::host
