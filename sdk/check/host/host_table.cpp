// dtu_host: every function may come from any thread.
#include <cstdlib>
#include <iostream>

#include "host/buffers.hpp"
#include "host/state.hpp"

namespace dtu::host {
namespace {

InstanceRecord& at(dtu_instance* i) { return InstanceRecord::of(i); }
std::string text_of(const dtu_error* e) { return e == nullptr ? std::string() : std::string(e->message); }

void log(dtu_instance* i, int32_t level, dtu_str line) {
  if (!at(i).host->may_call(at(i), "log") || !at(i).host->sound(at(i), "log", {line})) return;
  if (std::getenv("DTU_TEST_LOG") != nullptr) std::cerr << at(i).type << " <" << level << "> " << text(line) << '\n';
  at(i).host->write_down(&Records::logs, LogLine{i, level, text(line)});
}

dtu_buf* buf_alloc(dtu_instance* i, uint64_t len, uint8_t** bytes) {
  if (at(i).host->refuses(at(i), "buf_alloc")) return nullptr;
  dtu_buf* buffer = buffers::alloc(len, bytes, at(i).host->storage);
  if (buffer != nullptr) ++at(i).buffers;
  return buffer;
}
void buf_ref(dtu_instance* i, dtu_buf* buffer) {
  if (buffer == nullptr)
    return at(i).host->misbehaved(&at(i), rules::arguments, at(i).type + " gave buf_ref no buffer");
  ++at(i).buffers;
  buffers::ref(buffer);
}
void buf_unref(dtu_instance* i, dtu_buf* buffer) {
  if (buffer == nullptr)
    return at(i).host->misbehaved(&at(i), rules::arguments, at(i).type + " gave buf_unref no buffer");
  if (--at(i).buffers < 0) {  // the reference is somebody else's: the buffer stays
    ++at(i).buffers;
    return at(i).host->misbehaved(&at(i), rules::buffer_count, at(i).type + " gave back a buffer it does not hold");
  }
  buffers::unref(buffer);
}

dtu_status emit(dtu_instance* i, const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  if (taken != nullptr) *taken = 0;
  if (at(i).host->refuses(at(i), "emit")) return DTU_E_CLOSED;
  return at(i).host->may_speak(at(i), "emit") ? at(i).host->emit(at(i), msgs, n, taken) : DTU_E_CLOSED;
}

void complete(dtu_instance* i, const dtu_completion* c) {
  if (at(i).host->may_speak(at(i), "complete")) at(i).host->complete(at(i), c->token, c->status);
}

void writable(dtu_instance* i, uint64_t source) {
  if (at(i).host->may_speak(at(i), "writable")) at(i).host->write_down(&Records::writables, Writable{i, source});
}

void report(dtu_instance* i, const dtu_state* told) {
  if (!at(i).host->may_speak(at(i), "report")) return;
  const dtu_error* e = told->error;
  at(i).host->report(at(i), {i, told->source, told->state, e == nullptr ? DTU_OK : e->code, e == nullptr ? 0 : e->flags,
                             text_of(e), e == nullptr ? 0 : e->protocol_code});
}

dtu_status reply(dtu_instance* i, const dtu_reply* r) {
  if (!at(i).host->may_speak(at(i), "reply") || at(i).host->refuses(at(i), "reply")) return DTU_E_CLOSED;
  at(i).host->sound(at(i), "reply", {r->json});
  const dtu_error* e = r->error;
  const bool aged = r->struct_size >= offsetof(dtu_reply, flags) + sizeof r->flags;
  return at(i).host->reply({i, r->call, r->status, text(r->json), text_of(e), e == nullptr ? 0 : e->flags,
                            e == nullptr ? 0 : e->protocol_code, aged ? r->age_ms : 0,
                            aged && (r->flags & DTU_REPLY_STALE) != 0});
}

const void* service(dtu_instance* i, const char* id) {
  if (!at(i).host->may_call(at(i), "service") || id == nullptr || at(i).host->withheld.count(id) != 0) return nullptr;
  if (at(i).host->refuses(at(i), (std::string("service ") + id).c_str())) return nullptr;
  return find_service(id);
}

}  // namespace

const dtu_host& host_table() {
  static constexpr dtu_host table{
      sizeof(dtu_host), DTU_ABI_MAJOR, DTU_ABI_MINOR, log,     buf_alloc,           buf_ref, buf_unref, emit, complete,
      writable,         report,        reply,         service, plugin_clock::now_ns};
  return table;
}

}  // namespace dtu::host
