#include "plugins/host_table.hpp"

#include <algorithm>
#include <string>

#include "plugins/buffer.hpp"
#include "plugins/context.hpp"
#include "plugins/instance.hpp"
#include "plugins/sound.hpp"

// Each function: is the instance still there, and is this the main lane? If not, the inbox takes the call over. None
// lets an exception out (the only one possible is bad_alloc: noexcept then ends dtud, which systemd starts again).
namespace dtud::plugins {
namespace {

struct Caller {
  Handle* const handle;      // null: there is no such instance, which is noted
  Instance* const instance;  // null: gone

  Caller(dtu_instance* i, const char* function)
      : handle(Handle::find(i, function)),
        instance(handle != nullptr ? handle->instance.load(std::memory_order_acquire) : nullptr) {
    if (handle != nullptr && instance == nullptr) note(Fault::late, function, "comes after destroy()");
  }
  [[nodiscard]] Context& context() const { return *handle->context; }
  [[nodiscard]] bool on_main() const { return context().main.is_current(); }
  // It was called wrongly, and where from if that is known: "emit in a timer".
  void note(Fault kind, const char* function, const char* text) const {
    const Lane* lane = handle->lane.load();
    const bool on_lane = lane != nullptr && lane == Lane::current();
    handle->faults.load()->note(kind, on_lane ? called_in(*lane, function) : function, text);
  }
};

// More references than any queue of messages in flight is long, twice over.
constexpr int64_t kMostBuffers = int64_t{1} << 17U;

void count_buffer(Handle& handle) {
  if (handle.buffers.fetch_add(1, std::memory_order_relaxed) < kMostBuffers || handle.buffers_overrun.exchange(true))
    return;
  handle.context->inbox.accuse(handle, Fault::buffers, "buf_alloc and buf_ref",
                               "hold over " + std::to_string(kMostBuffers) + " references to buffers");
}

void log(dtu_instance* i, int32_t level, dtu_str text) noexcept {
  const Caller caller(i, "log");
  if (caller.handle == nullptr) return;
  if (!is_sound(text)) return caller.note(Fault::malformed, "log", "is given a length without a text");
  const auto known = static_cast<Level>(level <= 3 ? 3 : level == 4 ? 4 : level <= 6 ? 6 : 7);
  if (!caller.context().log.takes(known) || !caller.handle->faults.load()->may_log(known == Level::debug)) return;
  caller.context().log.write(known, caller.handle->name, {text.ptr, static_cast<size_t>(text.len)});
}

dtu_buf* buf_alloc(dtu_instance* i, uint64_t len, uint8_t** bytes) noexcept {
  Handle* handle = Handle::find(i, "buf_alloc");
  if (handle == nullptr) return nullptr;
  dtu_buf* buffer = len <= DTU_PAYLOAD_MAX ? allocate_buffer(len) : nullptr;
  if (buffer == nullptr) return nullptr;
  count_buffer(*handle);
  if (bytes != nullptr) *bytes = buffer->bytes();
  return buffer;
}

// The handle, when it and the buffer are what they should be.
Handle* holder(dtu_instance* i, const dtu_buf* b, const char* function) {
  Handle* handle = Handle::find(i, function);
  if (handle == nullptr || dtu_buf::is_one(b)) return handle;
  handle->faults.load()->note(Fault::buffers, function, "is given no buffer, or one that was given back before");
  return nullptr;
}
void buf_ref(dtu_instance* i, dtu_buf* b) noexcept {
  Handle* handle = holder(i, b, "buf_ref");
  if (handle == nullptr) return;
  count_buffer(*handle);
  ref(b);
}
void buf_unref(dtu_instance* i, dtu_buf* b) noexcept {
  Handle* handle = holder(i, b, "buf_unref");
  if (handle == nullptr) return;
  handle->buffers.fetch_sub(1, std::memory_order_relaxed);
  unref(b);
}

dtu_status emit(dtu_instance* i, const dtu_msg* msgs, uint32_t n, uint32_t* taken) noexcept {
  const Caller caller(i, "emit");
  uint32_t ignored = 0;
  uint32_t& count = taken != nullptr ? *taken : ignored;
  count = 0;
  if (caller.instance == nullptr || caller.handle->closing.load(std::memory_order_relaxed)) return DTU_E_CLOSED;
  if (msgs == nullptr && n != 0) return caller.note(Fault::malformed, "emit", "is given no messages"), DTU_E_INVALID;
  if (!caller.on_main()) return caller.context().inbox.emit(*caller.handle, msgs, n, &count);
  return caller.context().up.emit(*caller.instance, msgs, n, &count);
}

// True: the struct can be read up to `least` bytes, which is where its optional members begin.
bool whole(const Caller& caller, const void* told, size_t least, const char* function) {
  if (told != nullptr && *static_cast<const uint32_t*>(told) >= least) return true;
  caller.note(Fault::malformed, function, "is given no struct, or one that is too short");
  return false;
}

void complete(dtu_instance* i, const dtu_completion* told) noexcept {
  const Caller caller(i, "complete");
  if (caller.instance == nullptr || !whole(caller, told, offsetof(dtu_completion, error), "complete")) return;
  const uint64_t token = told->token;
  const dtu_status status = told->status;
  if (token == 0) return;
  if (!caller.on_main()) return caller.context().inbox.complete(*caller.handle, token, status);
  caller.context().up.complete(*caller.instance, token, status);
}

void writable(dtu_instance* i, uint64_t source) noexcept {
  const Caller caller(i, "writable");
  if (caller.instance == nullptr) return;
  if (!caller.on_main()) return caller.context().inbox.writable(*caller.handle, source);
  caller.context().up.writable(*caller.instance, source);
}

void report(dtu_instance* i, const dtu_state* told) noexcept {
  const Caller caller(i, "report");
  if (caller.instance == nullptr || !whole(caller, told, offsetof(dtu_state, error), "report")) return;
  const uint64_t source = told->source;
  const int32_t state = told->state;
  const dtu_error* error = DTU_HAS(told, dtu_state, error) ? told->error : nullptr;
  // How the SDK says that a function without a status threw; on its lane the instance stays while it is looked at.
  if (source == 0 && state == DTU_STATE_FAILED && error != nullptr && error->code == DTU_E_EXCEPTION)
    if (const Lane* lane = Lane::current(); lane != nullptr && lane == caller.handle->lane.load())
      caller.instance->threw(lane->function(), *error);
  if (!caller.on_main()) return caller.context().inbox.report(*caller.handle, source, state, error);
  caller.instance->reported(source, state, error);
}

dtu_status reply(dtu_instance* i, const dtu_reply* told) noexcept {
  const Caller caller(i, "reply");
  if (caller.instance == nullptr) return DTU_E_CLOSED;
  if (!whole(caller, told, offsetof(dtu_reply, error), "reply")) return DTU_E_INVALID;
  dtu_reply reply{sizeof(dtu_reply), told->status, told->call, told->json, nullptr, 0, 0};
  if (DTU_HAS(told, dtu_reply, error)) reply.error = told->error;
  if (told->struct_size >= offsetof(dtu_reply, flags) + sizeof told->flags) {  // both, also when the flags are 0
    reply.age_ms = told->age_ms;
    reply.flags = told->flags;
  }
  if (!is_sound(reply.json)) {
    caller.note(Fault::malformed, "reply", "is given a length without a text");
    reply.json = {};
    if (reply.status == DTU_OK) reply.status = DTU_E_INTERNAL;
  }
  if (!caller.on_main()) return caller.context().inbox.reply(*caller.handle, reply);
  return caller.context().up.reply(*caller.instance, reply);
}

const void* service(dtu_instance* i, const char* id) noexcept {
  const Caller caller(i, "service");
  if (caller.handle == nullptr) return nullptr;
  if (id != nullptr) return find_service(*caller.handle->context, id);
  caller.note(Fault::malformed, "service", "is given no id");
  return nullptr;
}

int64_t clock() noexcept { return monotonic_ns(); }

}  // namespace

const dtu_host& host_table() {
  static constexpr dtu_host table{sizeof(dtu_host), DTU_ABI_MAJOR, DTU_ABI_MINOR, log,      buf_alloc,
                                  buf_ref,          buf_unref,     emit,          complete, writable,
                                  report,           reply,         service,       clock};
  return table;
}

}  // namespace dtud::plugins
