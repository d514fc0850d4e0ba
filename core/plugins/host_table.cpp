#include "plugins/host_table.hpp"

#include <algorithm>
#include <string>

#include "plugins/buffer.hpp"
#include "plugins/context.hpp"
#include "plugins/instance.hpp"

// Each function: is the instance still there, and is this the main lane? If not, the inbox takes the call over. None
// lets an exception out (the only one possible is bad_alloc: noexcept then ends dtud, which systemd starts again).
namespace dtud::plugins {
namespace {

struct Caller {
  Handle& handle;
  Context& context;
  Instance* instance;  // null: gone

  explicit Caller(dtu_instance* i)
      : handle(Handle::of(i)), context(*handle.context), instance(handle.instance.load(std::memory_order_acquire)) {}
  [[nodiscard]] bool on_main() const { return context.main.is_current(); }
};

void log(dtu_instance* i, int32_t level, dtu_str text) noexcept {
  const Caller caller(i);
  const int32_t known = level <= 3 ? 3 : level == 4 ? 4 : level <= 6 ? 6 : 7;
  const auto length = static_cast<size_t>(std::min<uint64_t>(text.len, 1024));
  caller.context.log.write(static_cast<Level>(known), caller.handle.name, {text.ptr, length});
}

dtu_buf* buf_alloc(dtu_instance* i, uint64_t len, uint8_t** bytes) noexcept {
  dtu_buf* buffer = len <= DTU_PAYLOAD_MAX ? allocate_buffer(len) : nullptr;
  if (buffer == nullptr) return nullptr;
  Handle::of(i).buffers.fetch_add(1, std::memory_order_relaxed);
  if (bytes != nullptr) *bytes = buffer->bytes();
  return buffer;
}
void buf_ref(dtu_instance* i, dtu_buf* b) noexcept {
  Handle::of(i).buffers.fetch_add(1, std::memory_order_relaxed);
  ref(b);
}
void buf_unref(dtu_instance* i, dtu_buf* b) noexcept {
  Handle::of(i).buffers.fetch_sub(1, std::memory_order_relaxed);
  unref(b);
}

dtu_status emit(dtu_instance* i, const dtu_msg* msgs, uint32_t n, uint32_t* taken) noexcept {
  const Caller caller(i);
  uint32_t ignored = 0;
  uint32_t& count = taken != nullptr ? *taken : ignored;
  count = 0;
  if (caller.instance == nullptr || caller.handle.closing.load(std::memory_order_relaxed)) return DTU_E_CLOSED;
  if (!caller.on_main()) return caller.context.inbox.emit(caller.handle, msgs, n, &count);
  return caller.context.up.emit(*caller.instance, msgs, n, &count);
}

void complete(dtu_instance* i, uint64_t token, dtu_status status) noexcept {
  const Caller caller(i);
  if (caller.instance == nullptr || token == 0) return;
  if (!caller.on_main()) return caller.context.inbox.complete(caller.handle, token, status);
  caller.context.up.complete(*caller.instance, token, status);
}

void writable(dtu_instance* i, uint64_t source) noexcept {
  const Caller caller(i);
  if (caller.instance == nullptr) return;
  if (!caller.on_main()) return caller.context.inbox.writable(caller.handle, source);
  caller.context.up.writable(*caller.instance, source);
}

void report(dtu_instance* i, uint64_t source, int32_t state, const dtu_error* error) noexcept {
  const Caller caller(i);
  if (caller.instance == nullptr) return;
  if (!caller.on_main()) return caller.context.inbox.report(caller.handle, source, state, error);
  caller.instance->reported(source, state, error);
}

dtu_status reply(dtu_instance* i, uint64_t call, dtu_status status, dtu_str json, const dtu_error* error) noexcept {
  const Caller caller(i);
  if (caller.instance == nullptr) return DTU_E_CLOSED;
  if (!caller.on_main()) return caller.context.inbox.reply(caller.handle, call, status, json, error);
  return caller.context.up.reply(*caller.instance, call, status, json, error);
}

const void* service(dtu_instance*, const char* id) noexcept { return id != nullptr ? find_service(id) : nullptr; }

int64_t clock() noexcept { return monotonic_ns(); }

}  // namespace

const dtu_host& host_table() {
  static constexpr dtu_host table{sizeof(dtu_host), DTU_ABI_MAJOR, DTU_ABI_MINOR, log,      buf_alloc,
                                  buf_ref,          buf_unref,     emit,          complete, writable,
                                  report,           reply,         service,       clock};
  return table;
}

}  // namespace dtud::plugins
