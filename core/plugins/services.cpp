// The services behind host->service: timers, descriptors, posts, durable state, metrics, calls and links.
#include <dtu/services.h>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string>

#include "plugins/context.hpp"
#include "plugins/event_service.hpp"
#include "plugins/folders.hpp"
#include "plugins/host_table.hpp"
#include "plugins/instance.hpp"
#include "plugins/kv.hpp"
#include "plugins/kv_calls.hpp"
#include "plugins/remote_calls.hpp"
#include "plugins/sound.hpp"

namespace dtud::plugins {

Instance* on_lane(dtu_instance* i, const char* function) {
  Handle* handle = Handle::find(i, function);
  if (handle == nullptr) return nullptr;
  const Lane* lane = handle->lane.load(std::memory_order_acquire);
  // Only on its own lane is the instance sure to stay while it is looked at.
  if (lane != nullptr && lane == Lane::current()) return handle->instance.load(std::memory_order_acquire);
  if (lane == nullptr)
    handle->faults.load()->note(Fault::late, function, "comes after destroy()");
  else
    handle->faults.load()->note(Fault::thread, function, "is called on another thread: it is for the lane only");
  return nullptr;
}

namespace {

// False: what the plugin handed over cannot be used.
bool usable(Instance& instance, const char* function, std::initializer_list<dtu_str> texts, bool pointers = true) {
  if (pointers && std::all_of(texts.begin(), texts.end(), [](dtu_str s) { return is_sound(s); })) return true;
  instance.faults().note(Fault::malformed, called_in(instance.lane(), function),
                         "is given a null pointer, or a length without a text");
  return false;
}

// Notes that it was given the number of no timer or descriptor of the instance, if it was.
dtu_status known(const Instance& instance, const char* function, uint64_t id, bool is_known) {
  if (is_known) return DTU_OK;
  instance.faults().note(Fault::malformed, called_in(instance.lane(), function),
                         "is given number " + std::to_string(id) + ", which this instance does not have");
  return DTU_E_NOT_FOUND;
}

dtu_status ok_or(bool fine, dtu_status otherwise) { return fine ? DTU_OK : otherwise; }

dtu_status timer_create(dtu_instance* i, const dtu_timer* timer, uint64_t* id) noexcept {
  Instance* instance = on_lane(i, "timer create");
  if (instance == nullptr) return DTU_E_CLOSED;
  const bool whole = timer != nullptr && timer->struct_size >= sizeof(dtu_timer) && timer->fn != nullptr;
  if (!usable(*instance, "timer create", {}, whole && id != nullptr)) return DTU_E_INVALID;
  *id = instance->resources().create_timer(timer->fn, timer->ctx);
  if (*id == 0) instance->faults().note(Fault::left_behind, "timer create", "has made more timers than it may have");
  return ok_or(*id != 0, DTU_E_INVALID);
}
dtu_status timer_arm(dtu_instance* i, uint64_t id, uint64_t delay_us, uint64_t period_us) noexcept {
  Instance* instance = on_lane(i, "timer arm");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (delay_us > Resources::kLongestDelay_us || period_us > Resources::kLongestDelay_us) {
    instance->faults().note(Fault::malformed, called_in(instance->lane(), "timer arm"), "is given over a year");
    return DTU_E_INVALID;
  }
  return known(*instance, "timer arm", id, instance->resources().arm_timer(id, delay_us, period_us));
}
dtu_status timer_disarm(dtu_instance* i, uint64_t id) noexcept {
  Instance* instance = on_lane(i, "timer disarm");
  if (instance == nullptr) return DTU_E_CLOSED;
  return known(*instance, "timer disarm", id, instance->resources().disarm_timer(id));
}
dtu_status timer_destroy(dtu_instance* i, uint64_t id) noexcept {
  Instance* instance = on_lane(i, "timer destroy");
  if (instance == nullptr) return DTU_E_CLOSED;
  return known(*instance, "timer destroy", id, instance->resources().destroy_timer(id));
}
constexpr dtu_timer_service kTimer{sizeof(dtu_timer_service), 0, timer_create, timer_arm, timer_disarm, timer_destroy};

dtu_status fd_add(dtu_instance* i, const dtu_watch* watch, uint64_t* id) noexcept {
  Instance* instance = on_lane(i, "fd add");
  if (instance == nullptr) return DTU_E_CLOSED;
  const bool whole = watch != nullptr && watch->struct_size >= sizeof(dtu_watch) && watch->fn != nullptr;
  if (!usable(*instance, "fd add", {}, whole && id != nullptr)) return DTU_E_INVALID;
  *id = instance->resources().watch(watch->fd, watch->events, watch->fn, watch->ctx);
  if (*id == 0)
    instance->context().log.error(instance->name(),
                                  "cannot watch descriptor " + std::to_string(watch->fd) + ": " + std::strerror(errno));
  return ok_or(*id != 0, DTU_E_INVALID);
}
dtu_status fd_modify(dtu_instance* i, uint64_t id, uint32_t events) noexcept {
  Instance* instance = on_lane(i, "fd modify");
  if (instance == nullptr) return DTU_E_CLOSED;
  return known(*instance, "fd modify", id, instance->resources().rewatch(id, events));
}
dtu_status fd_remove(dtu_instance* i, uint64_t id) noexcept {
  Instance* instance = on_lane(i, "fd remove");
  if (instance == nullptr) return DTU_E_CLOSED;
  return known(*instance, "fd remove", id, instance->resources().unwatch(id));
}
constexpr dtu_fd_service kFd{sizeof(dtu_fd_service), 0, fd_add, fd_modify, fd_remove};

constexpr uint32_t kMostPosts = 16384;  // of an instance, not yet run

dtu_status post(dtu_instance* i, const dtu_task* task) noexcept {
  Handle* found = Handle::find(i, "post");
  if (found == nullptr) return DTU_E_CLOSED;
  Handle& handle = *found;
  if (task == nullptr || task->struct_size < sizeof(dtu_task) || task->fn == nullptr) {
    handle.faults.load()->note(Fault::malformed, "post", "is given no function");
    return DTU_E_INVALID;
  }
  Lock lock(handle.door);
  Lane* lane = handle.lane.load();
  if (lane == nullptr) {
    handle.faults.load()->note(Fault::late, "post", "comes after destroy()");
    return DTU_E_CLOSED;
  }
  if (handle.posts.fetch_add(1) >= kMostPosts) {
    handle.posts.fetch_sub(1);
    handle.faults.load()->note(Fault::flood, "post", "posts functions faster than they can be run");
    return DTU_AGAIN;
  }
  lane->post([&handle, fn = task->fn, ctx = task->ctx] {
    handle.posts.fetch_sub(1);
    Instance* instance = handle.instance.load();
    if (instance != nullptr && !handle.ended.load())
      instance->guarded("a posted function", nullptr, [&] { return fn(ctx), DTU_OK; });
  });
  return DTU_OK;
}
constexpr dtu_post_service kPost{sizeof(dtu_post_service), 0, post};

dtu_status kv_get(dtu_instance* i, dtu_str key, dtu_text_fn fn, void* ctx) noexcept {
  Instance* instance = on_lane(i, "kv get");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (!usable(*instance, "kv get", {key}, fn != nullptr)) return DTU_E_INVALID;
  const auto folder = instance->context().kv->folder(instance->name());
  std::string value;
  const dtu_status status = folder->get(dtu::view(key), value);
  if (status == DTU_E_IO) instance->context().log.error(instance->name(), folder->problem());
  if (status == DTU_OK) fn(ctx, {value.data(), value.size()});
  return status;
}
dtu_status kv_change(dtu_instance* i, const dtu_kv_change* change) noexcept {
  Instance* instance = on_lane(i, "kv change");
  if (instance == nullptr) return DTU_E_CLOSED;
  const bool whole = change != nullptr && change->struct_size >= sizeof(dtu_kv_change);
  if (!usable(*instance, "kv change", {}, whole)) return DTU_E_INVALID;
  if (usable(*instance, "kv change", {change->key, change->value}))
    return instance->kv_calls().change(*instance->context().kv, *change);
  if (change->destroy != nullptr) change->destroy(change->ctx);
  return DTU_E_INVALID;
}
constexpr dtu_kv_service kKv{sizeof(dtu_kv_service), 0, kv_get, kv_change};

dtu_status folder_path(dtu_instance* i, dtu_text_fn fn, void* ctx) noexcept {
  Instance* instance = on_lane(i, "folder path");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (!usable(*instance, "folder path", {}, fn != nullptr)) return DTU_E_INVALID;
  std::string path;
  const dtu_status status = instance->context().folders->path(*instance, path);
  if (status == DTU_E_IO)
    instance->context().log.error(instance->name(), path);
  else
    fn(ctx, {path.data(), path.size()});
  return status;
}
dtu_status folder_usage(dtu_instance* i, dtu_folder_usage* usage) noexcept {
  Instance* instance = on_lane(i, "folder usage");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (!usable(*instance, "folder usage", {}, usage != nullptr && usage->struct_size >= sizeof *usage))
    return DTU_E_INVALID;
  return instance->context().folders->usage(*instance, *usage);
}
constexpr dtu_folder_service kFolder{sizeof(dtu_folder_service), 0, folder_path, folder_usage};

dtu_status metric_add(dtu_instance* i, uint32_t kind, dtu_str name, dtu_str help, uint64_t* id) noexcept {
  Instance* instance = on_lane(i, "metric add");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (!usable(*instance, "metric add", {name, help}, id != nullptr)) return DTU_E_INVALID;
  *id = instance->context().metrics.add(instance->name(), kind, std::string(name.ptr, name.len),
                                        std::string(help.ptr, help.len));
  return ok_or(*id != 0, DTU_E_INVALID);
}
// `use` answers whether the instance has that metric.
template <typename Use>
void use_metric(dtu_instance* i, const char* function, uint64_t id, Use use) {
  Handle* handle = Handle::find(i, function);
  if (handle == nullptr || use(handle->context->metrics, handle->name)) return;
  handle->faults.load()->note(Fault::malformed, function,
                              "is given number " + std::to_string(id) + ", which this instance does not have");
}
void metric_increase(dtu_instance* i, uint64_t id, uint64_t by) noexcept {
  use_metric(i, "metric increase", id, [&](Metrics& m, const std::string& name) { return m.increase(name, id, by); });
}
void metric_set(dtu_instance* i, uint64_t id, int64_t value) noexcept {
  use_metric(i, "metric set", id, [&](Metrics& m, const std::string& name) { return m.set(name, id, value); });
}
constexpr dtu_metrics_service kMetrics{sizeof(dtu_metrics_service), 0, metric_add, metric_increase, metric_set};

// A copy of what the plugin gave, as long as this host knows it; what an older one does not have stays zero.
template <typename T>
T copy_of(const T* given, size_t least) {
  T known{};
  if (given == nullptr || given->struct_size < least) return known;
  std::memcpy(&known, given, std::min<size_t>(given->struct_size, sizeof known));
  known.struct_size = sizeof known;
  return known;
}

dtu_status invoke(dtu_instance* i, const dtu_request* given, uint64_t* call, dtu_error* error) noexcept {
  Instance* instance = on_lane(i, "invoke");
  if (instance == nullptr) return DTU_E_CLOSED;
  const dtu_request request = copy_of(given, sizeof(dtu_request));
  if (call != nullptr) *call = 0;
  if (!usable(*instance, "invoke", {}, request.done != nullptr)) return DTU_E_INVALID;
  if (!usable(*instance, "invoke", {request.command, request.args, request.password, request.remote, request.to}))
    return DTU_E_INVALID;
  if (instance->on_main()) return instance->context().up.invoke(*instance, request, error);
  return invoke_from_afar(*instance, request);
}
bool sound_request(Instance& instance, const char* function, const dtu_point_request& request) {
  return usable(instance, function, {}, request.done != nullptr) &&
         usable(instance, function, {request.point, request.json});
}
dtu_status read_point(dtu_instance* i, const dtu_point_request* given, uint64_t* call, dtu_error* error) noexcept {
  Instance* instance = on_lane(i, "read_point");
  if (instance == nullptr) return DTU_E_CLOSED;
  const dtu_point_request r = copy_of(given, sizeof(dtu_point_request));
  if (call != nullptr) *call = 0;
  if (!sound_request(*instance, "read_point", r)) return DTU_E_INVALID;
  if (instance->on_main())
    return instance->context().up.read_point(*instance, dtu::view(r.point), r.done, r.ctx, error);
  return read_from_afar(*instance, dtu::view(r.point), r.done, r.ctx);
}
dtu_status write_point(dtu_instance* i, const dtu_point_request* given, uint64_t* call, dtu_error* error) noexcept {
  Instance* instance = on_lane(i, "write_point");
  if (instance == nullptr) return DTU_E_CLOSED;
  const dtu_point_request r = copy_of(given, sizeof(dtu_point_request));
  if (call != nullptr) *call = 0;
  if (!sound_request(*instance, "write_point", r)) return DTU_E_INVALID;
  if (instance->on_main())
    return instance->context().up.write_point(*instance, dtu::view(r.point), dtu::view(r.json), r.done, r.ctx, error);
  return write_from_afar(*instance, dtu::view(r.point), dtu::view(r.json), r.done, r.ctx);
}
dtu_status list_points(dtu_instance* i, dtu_str prefix, void (*each)(void*, const dtu_point_info*),
                       void* ctx) noexcept {
  Instance* instance = on_lane(i, "list_points");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (!usable(*instance, "list_points", {prefix}, each != nullptr)) return DTU_E_INVALID;
  if (!instance->on_main()) return DTU_E_UNSUPPORTED;  // the list lives on the main lane
  return instance->context().up.list_points(dtu::view(prefix), each, ctx);
}
dtu_status list_commands(dtu_instance* i, dtu_str prefix, CommandSink each, void* ctx) noexcept {
  Instance* instance = on_lane(i, "list_commands");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (!usable(*instance, "list_commands", {prefix}, each != nullptr)) return DTU_E_INVALID;
  if (!instance->on_main()) return DTU_E_UNSUPPORTED;  // the list lives on the main lane
  return instance->context().up.list_commands(dtu::view(prefix), each, ctx);
}
constexpr dtu_invoke_service kInvoke{sizeof(dtu_invoke_service),
                                     0,
                                     invoke,
                                     read_point,
                                     write_point,
                                     nullptr,
                                     nullptr,
                                     nullptr,
                                     list_points,
                                     list_commands};

// Dialects live on the main lane (the kernel refuses a blocking one), so these need no detour.
dtu_status to_port(dtu_instance* i, uint64_t link, const dtu_msg* msg) noexcept {
  Instance* instance = on_lane(i, "to_port");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (msg == nullptr) return usable(*instance, "to_port", {}, false), DTU_E_INVALID;
  return instance->context().up.to_port(*instance, link, *msg);
}
dtu_status to_channel(dtu_instance* i, uint64_t link, uint32_t channel, const dtu_msg* msg) noexcept {
  Instance* instance = on_lane(i, "to_channel");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (msg == nullptr) return usable(*instance, "to_channel", {}, false), DTU_E_INVALID;
  return instance->context().up.to_channel(*instance, link, channel, *msg);
}
void link_drop(dtu_instance* i, uint64_t link, dtu_str reason, uint64_t bytes) noexcept {
  if (Instance* instance = on_lane(i, "drop"); instance != nullptr && usable(*instance, "drop", {reason}))
    instance->context().up.drop(*instance, link, dtu::view(reason), bytes);
}
constexpr dtu_link_service kLink{sizeof(dtu_link_service), 0, to_port, to_channel, link_drop, nullptr, nullptr};

struct Service {
  const char* id;
  const void* table;
};
constexpr std::array<Service, 8> kServices{{{DTU_TIMER_SERVICE, &kTimer},
                                            {DTU_FD_SERVICE, &kFd},
                                            {DTU_POST_SERVICE, &kPost},
                                            {DTU_KV_SERVICE, &kKv},
                                            {DTU_FOLDER_SERVICE, &kFolder},
                                            {DTU_METRICS_SERVICE, &kMetrics},
                                            {DTU_INVOKE_SERVICE, &kInvoke},
                                            {DTU_LINK_SERVICE, &kLink}}};

}  // namespace

const void* find_service(const Context& context, std::string_view id) {
  if (id == DTU_KV_SERVICE && context.kv == nullptr) return nullptr;
  if (id == DTU_FOLDER_SERVICE && context.folders == nullptr) return nullptr;
  if (id == DTU_EVENTS_SERVICE) return context.events != nullptr ? &event_service() : nullptr;
  for (const Service& s : kServices)
    if (id == s.id) return s.table;
  return nullptr;
}

}  // namespace dtud::plugins
