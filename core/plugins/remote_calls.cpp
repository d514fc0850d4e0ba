#include "plugins/remote_calls.hpp"

#include <functional>
#include <memory>
#include <string>

#include "plugins/instance.hpp"

namespace dtud::plugins {
namespace {

// One call on its way: it owns the texts and knows whom to answer.
struct Journey {
  Handle* const from;
  dtu_answer_fn done = nullptr;
  void* ctx = nullptr;
  std::string command, args, password, source, to;
  bool has_password = false;

  explicit Journey(Handle* asker) : from(asker) { from->journeys.fetch_add(1); }
  ~Journey() { from->journeys.fetch_sub(1); }
  Journey(const Journey&) = delete;
  Journey& operator=(const Journey&) = delete;
};

constexpr uint32_t kMostJourneys = 1024;  // of an instance: as many as calls can be under way

// On the main lane: carries an answer back to the lane of the asker. The journey belongs to the asker, which drops it
// when it stops: the kernel calls nobody back after that.
void carry_back(Journey* raw, dtu_status status, std::string json, const dtu_error* error) {
  Instance* instance = raw->from->instance.load();
  if (instance == nullptr) return;
  auto journey = std::static_pointer_cast<Journey>(instance->release(raw));
  if (journey == nullptr) return;
  auto kept = error != nullptr ? std::make_shared<dtu_error>(*error) : nullptr;
  instance->answer([journey, status, json = std::move(json), kept] {
    Instance* asker = journey->from->instance.load();
    if (asker == nullptr || journey->from->closing.load()) return;
    const dtu_answer answer{sizeof answer, status, {json.data(), json.size()}, kept.get()};
    asker->guarded("done", nullptr, [&] { return journey->done(journey->ctx, &answer), DTU_OK; });
  });
}

void answered(void* ctx, const dtu_answer* a) {
  carry_back(static_cast<Journey*>(ctx), a->status, std::string(a->json.ptr, a->json.len), a->error);
}

using Ask = std::function<dtu_status(Instance&, Journey*, dtu_error*)>;

dtu_status depart(Instance& from, const std::shared_ptr<Journey>& journey, Ask ask) {
  if (from.handle().journeys.load() > kMostJourneys) return DTU_AGAIN;
  from.context().main.post([journey, ask = std::move(ask)] {
    Instance* instance = journey->from->instance.load();
    if (instance == nullptr) return;
    instance->keep(journey);
    dtu_error error{};
    error.struct_size = sizeof error;
    const dtu_status status = ask(*instance, journey.get(), &error);
    if (status != DTU_OK) carry_back(journey.get(), status, {}, &error);
  });
  return DTU_OK;
}

std::shared_ptr<Journey> pack(Instance& from, dtu_answer_fn done, void* ctx) {
  auto journey = std::make_shared<Journey>(&from.handle());
  journey->done = done;
  journey->ctx = ctx;
  return journey;
}

}  // namespace

dtu_status invoke_from_afar(Instance& from, const dtu_request& r) {
  auto journey = pack(from, r.done, r.ctx);
  journey->command.assign(r.command.ptr, r.command.len);
  journey->args.assign(r.args.ptr, r.args.len);
  journey->has_password = r.password.ptr != nullptr;
  if (journey->has_password) journey->password.assign(r.password.ptr, r.password.len);
  journey->source.assign(r.remote.ptr, r.remote.len);
  journey->to.assign(r.to.ptr, r.to.len);
  return depart(from, journey,
                [caller = r.caller, code = r.code, ms = r.deadline_ms](Instance& i, Journey* j, dtu_error* e) {
                  dtu_request request{};
                  request.struct_size = sizeof request;
                  request.caller = caller;
                  request.command = {j->command.data(), j->command.size()};
                  request.code = code;
                  request.args = {j->args.data(), j->args.size()};
                  if (j->has_password) request.password = {j->password.data(), j->password.size()};
                  request.remote = {j->source.data(), j->source.size()};
                  request.to = {j->to.data(), j->to.size()};
                  request.deadline_ms = ms;
                  request.done = answered;
                  request.ctx = j;
                  return i.context().up.invoke(i, request, e);
                });
}

dtu_status read_from_afar(Instance& from, std::string_view point, dtu_answer_fn done, void* ctx) {
  auto journey = pack(from, done, ctx);
  journey->command = point;
  return depart(from, journey, [](Instance& i, Journey* j, dtu_error* e) {
    return i.context().up.read_point(i, j->command, answered, j, e);
  });
}

dtu_status write_from_afar(Instance& from, std::string_view point, std::string_view json, dtu_answer_fn done,
                           void* ctx) {
  auto journey = pack(from, done, ctx);
  journey->command = point;
  journey->args = json;
  return depart(from, journey, [](Instance& i, Journey* j, dtu_error* e) {
    return i.context().up.write_point(i, j->command, j->args, answered, j, e);
  });
}

}  // namespace dtud::plugins
