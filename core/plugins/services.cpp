// The services behind host->service: timers, descriptors, posts, durable state, metrics, calls and links.
#include <dtu/services.h>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "plugins/context.hpp"
#include "plugins/event_service.hpp"
#include "plugins/folders.hpp"
#include "plugins/host_table.hpp"
#include "plugins/instance.hpp"
#include "plugins/kv.hpp"
#include "plugins/kv_calls.hpp"
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

// A copy of what the plugin gave, as long as this host knows it; what an older one does not have stays zero. A struct
// shorter than `least` is all zero: where its destroy is nobody knows.
template <typename T>
T copy_of(const T* given, size_t least = sizeof(T)) {
  T known{};
  if (given == nullptr || given->struct_size < least) return known;
  std::memcpy(&known, given, std::min<size_t>(given->struct_size, sizeof known));
  known.struct_size = sizeof known;
  return known;
}

// The instance, if the function may be used here and what it was given can be. If not, `status` is the answer, and what
// was given is ended.
template <typename Given>
Instance* taker(dtu_instance* i, const char* function, const Given& given, bool pointers,
                std::initializer_list<dtu_str> texts, dtu_status& status) {
  Instance* instance = on_lane(i, function);
  status = instance == nullptr ? DTU_E_CLOSED : DTU_E_INVALID;
  if (instance == nullptr) return end_callback(given.destroy, given.ctx), nullptr;
  if (usable(*instance, function, {}, pointers) && usable(*instance, function, texts)) return instance;
  return end_callback(*instance, "destroy of what was refused", given.destroy, given.ctx), nullptr;
}

dtu_status timer_create(dtu_instance* i, const dtu_timer* given, uint64_t* id) noexcept {
  const dtu_timer timer = copy_of(given);
  dtu_status status = DTU_OK;
  Instance* instance = taker(i, "timer create", timer, timer.fn != nullptr && id != nullptr, {}, status);
  if (instance == nullptr) return status;
  *id = instance->resources().create_timer(timer);
  if (instance->handle().ended.load()) return DTU_E_CLOSED;
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

dtu_status fd_add(dtu_instance* i, const dtu_watch* given, uint64_t* id) noexcept {
  const dtu_watch watch = copy_of(given);
  dtu_status status = DTU_OK;
  Instance* instance = taker(i, "fd add", watch, watch.fn != nullptr && id != nullptr, {}, status);
  if (instance == nullptr) return status;
  *id = instance->resources().watch(watch);
  if (instance->handle().ended.load()) return DTU_E_CLOSED;
  if (*id == 0)
    instance->context().log.error(instance->name(),
                                  "cannot watch descriptor " + std::to_string(watch.fd) + ": " + std::strerror(errno));
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

constexpr size_t kMostPosts = 16384;  // of an instance, not yet run

// On the lane: the oldest that was posted by the run of that number. None is left when the run is ending: it has ended
// them all then.
void run_posted(Handle& handle, const dtu_instance* run) {
  dtu_task task{};
  {
    Lock lock(handle.door);
    if (handle.as_abi() != run || handle.ended.load() || handle.tasks.empty()) return;
    task = handle.tasks.front();
    handle.tasks.pop_front();
  }
  Instance* instance = handle.instance.load();
  if (instance == nullptr) return;  // it was just abandoned: nothing of it is called any more
  instance->guarded("a posted function", nullptr, [&] { return task.fn(task.ctx), DTU_OK; });
  end_callback(*instance, "destroy of a posted function", task.destroy, task.ctx);
}

dtu_status take_task(Handle& handle, const dtu_task& task) {
  Lock lock(handle.door);
  Lane* lane = handle.lane.load();
  if (lane == nullptr) handle.faults.load()->note(Fault::late, "post", "comes after destroy()");
  if (lane == nullptr || handle.ended.load()) return DTU_E_CLOSED;
  if (handle.tasks.size() >= kMostPosts) {
    handle.faults.load()->note(Fault::flood, "post", "posts functions faster than they can be run");
    return DTU_AGAIN;
  }
  handle.tasks.push_back(task);
  lane->post([&handle, run = handle.as_abi()] { run_posted(handle, run); });
  return DTU_OK;
}

dtu_status post(dtu_instance* i, const dtu_task* given) noexcept {
  const dtu_task task = copy_of(given);
  Handle* handle = Handle::find(i, "post");
  dtu_status status = DTU_E_CLOSED;
  if (handle != nullptr && task.fn == nullptr) {
    handle->faults.load()->note(Fault::malformed, "post", "is given no function");
    status = DTU_E_INVALID;
  } else if (handle != nullptr) {
    status = take_task(*handle, task);
  }
  if (status != DTU_OK) end_callback(task.destroy, task.ctx);
  return status;
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

// One on its way to the main lane: it owns its texts.
class OwnRequest {
 public:
  explicit OwnRequest(const dtu_request& r) : request_(r) {
    for (dtu_str* s : {&request_.command, &request_.args, &request_.password, &request_.remote, &request_.to}) keep(*s);
  }
  OwnRequest(const OwnRequest&) = delete;
  OwnRequest& operator=(const OwnRequest&) = delete;
  [[nodiscard]] const dtu_request& get() const { return request_; }

 private:
  void keep(dtu_str& s) {
    if (s.ptr == nullptr) return;
    const std::string& text = texts_.emplace_back(s.ptr, s.len);
    s.ptr = text.data();
  }
  dtu_request request_;
  std::deque<std::string> texts_;
};

dtu_status invoke(dtu_instance* i, const dtu_request* given, uint64_t* call, dtu_error* error) noexcept {
  const dtu_request r = copy_of(given);
  if (call != nullptr) *call = 0;
  dtu_status status = DTU_OK;
  Instance* instance =
      taker(i, "invoke", r, r.done != nullptr, {r.command, r.args, r.password, r.remote, r.to}, status);
  if (instance == nullptr) return status;
  Requests::Put put = [&r](Instance& asker, Asking asking, dtu_error* e) {
    return asker.context().up.invoke(asker, r, std::move(asking), e);
  };
  if (!instance->on_main())
    put = [own = std::make_shared<OwnRequest>(r)](Instance& asker, Asking asking, dtu_error* e) {
      return asker.context().up.invoke(asker, own->get(), std::move(asking), e);
    };
  return instance->requests().ask(r.done, r.destroy, r.ctx, call, error, sizeof r + r.command.len + r.args.len,
                                  std::move(put));
}

using AskOfPoint = dtu_status (Upcalls::*)(Instance&, const dtu_point_request&, Asking, dtu_error*);
dtu_status ask_of_point(dtu_instance* i, const char* function, AskOfPoint ask, const dtu_point_request* given,
                        uint64_t* call, dtu_error* error) {
  const dtu_point_request r = copy_of(given);
  if (call != nullptr) *call = 0;
  dtu_status status = DTU_OK;
  Instance* instance = taker(i, function, r, r.done != nullptr, {r.point, r.json}, status);
  if (instance == nullptr) return status;
  Requests::Put put = [&r, ask](Instance& asker, Asking asking, dtu_error* e) {
    return (asker.context().up.*ask)(asker, r, std::move(asking), e);
  };
  if (!instance->on_main())
    put = [r, ask, point = std::string(dtu::view(r.point)), json = std::string(dtu::view(r.json))](
              Instance& asker, Asking asking, dtu_error* e) {
      dtu_point_request own = r;
      own.point = dtu::str(point);
      own.json = dtu::str(json);
      return (asker.context().up.*ask)(asker, own, std::move(asking), e);
    };
  return instance->requests().ask(r.done, r.destroy, r.ctx, call, error, sizeof r + r.point.len + r.json.len,
                                  std::move(put));
}
dtu_status read_point(dtu_instance* i, const dtu_point_request* r, uint64_t* call, dtu_error* error) noexcept {
  return ask_of_point(i, "read_point", &Upcalls::read_point, r, call, error);
}
dtu_status write_point(dtu_instance* i, const dtu_point_request* r, uint64_t* call, dtu_error* error) noexcept {
  return ask_of_point(i, "write_point", &Upcalls::write_point, r, call, error);
}
dtu_status await_point(dtu_instance* i, const dtu_point_request* r, uint64_t* call, dtu_error* error) noexcept {
  return ask_of_point(i, "await_point", &Upcalls::await_point, r, call, error);
}
// A number that is not under way is no fault: the answer may just have come.
dtu_status cancel(dtu_instance* i, uint64_t call) noexcept {
  Instance* instance = on_lane(i, "cancel");
  if (instance == nullptr) return DTU_E_CLOSED;
  return ok_or(instance->requests().cancel(call), DTU_E_NOT_FOUND);
}
dtu_status after_answers(dtu_instance* i, uint32_t deadline_ms, const dtu_task* given) noexcept {
  constexpr uint32_t kLongest_ms = 60'000;
  const dtu_task task = copy_of(given);
  dtu_status status = DTU_OK;
  Instance* instance = taker(i, "after_answers", task, task.fn != nullptr, {}, status);
  if (instance == nullptr) return status;
  return instance->requests().after_answers(std::min(deadline_ms, kLongest_ms), task);
}
dtu_status list_points(dtu_instance* i, dtu_str prefix, void (*each)(void*, const dtu_point_info*),
                       void* ctx) noexcept {
  Instance* instance = on_lane(i, "list_points");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (!usable(*instance, "list_points", {prefix}, each != nullptr)) return DTU_E_INVALID;
  return instance->context().up.list_points(dtu::view(prefix), each, ctx);
}
dtu_status list_commands(dtu_instance* i, dtu_str prefix, CommandSink each, void* ctx) noexcept {
  Instance* instance = on_lane(i, "list_commands");
  if (instance == nullptr) return DTU_E_CLOSED;
  if (!usable(*instance, "list_commands", {prefix}, each != nullptr)) return DTU_E_INVALID;
  return instance->context().up.list_commands(dtu::view(prefix), each, ctx);
}
constexpr dtu_invoke_service kInvoke{sizeof(dtu_invoke_service),
                                     0,
                                     invoke,
                                     read_point,
                                     write_point,
                                     await_point,
                                     cancel,
                                     after_answers,
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
dtu_status link_discard(dtu_instance* i, uint64_t link, uint32_t which, uint64_t* bytes) noexcept {
  Instance* instance = on_lane(i, "discard");
  if (instance == nullptr) return DTU_E_CLOSED;
  uint64_t ignored = 0;
  uint64_t& count = bytes != nullptr ? *bytes : ignored;
  count = 0;
  if (which == 0 || (which & ~(DTU_DISCARD_TO_PORT | DTU_DISCARD_FROM_PORT)) != 0) {
    instance->faults().note(Fault::malformed, called_in(instance->lane(), "discard"),
                            "is given directions that do not exist: " + std::to_string(which));
    return DTU_E_INVALID;
  }
  return instance->context().up.discard(*instance, link, which, &count);
}
dtu_status link_set_line(dtu_instance* i, uint64_t link, const dtu_line* line, dtu_error* error) noexcept {
  Instance* instance = on_lane(i, "set_line");
  if (instance == nullptr) return DTU_E_CLOSED;
  dtu_line asked{};
  asked.struct_size = sizeof asked;
  asked.parity = -1;
  if (line == nullptr) return instance->context().up.set_line(*instance, link, asked, error);
  if (!usable(*instance, "set_line", {}, line->struct_size >= sizeof asked)) return DTU_E_INVALID;
  return instance->context().up.set_line(*instance, link, *line, error);
}
constexpr dtu_link_service kLink{
    sizeof(dtu_link_service), 0, to_port, to_channel, link_drop, link_discard, link_set_line};

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
