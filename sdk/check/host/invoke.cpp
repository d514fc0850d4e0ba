// dtu.invoke/1, answered by what the test scripted. done() is always called from the loop, never inside the call.
#include "host/state.hpp"

#include <dtu/sdk/text.hpp>

namespace dtu::host {
namespace {

InstanceRecord& at(dtu_instance* i) { return InstanceRecord::of(i); }

dtu_status ask(dtu_instance* i, const char* function, Request r, dtu_answer_fn done, void* ctx, dtu_error* err) {
  State& host = *at(i).host;
  if (!host.on_lane(at(i), function)) return fail(err, DTU_E_CLOSED, "the instance is gone");
  if (done == nullptr)
    host.misbehaved(&at(i), rules::arguments, at(i).type + " called " + function + " without a done()");
  if (host.refuses(at(i), function)) return fail(err, DTU_AGAIN, "the host takes no more requests");
  if (host.invoke_refusal != DTU_OK) return fail(err, host.invoke_refusal, "refused by the test");
  r.by = i;
  return host.ask(at(i), std::move(r), done, ctx);
}

dtu_status invoke(dtu_instance* i, const dtu_request* q, uint64_t* call, dtu_error* err) {
  if (call != nullptr) *call = 0;
  Request r;
  at(i).host->sound(at(i), "invoke", {q->command, q->args, q->password, q->remote});
  r.name = text(q->command);
  r.code = q->code;
  r.args = text(q->args);
  if (q->password.ptr != nullptr) r.password = text(q->password);
  r.source = text(q->remote);
  r.deadline_ms = q->deadline_ms;
  r.caller = q->caller;
  return ask(i, "invoke.invoke", std::move(r), q->done, q->ctx, err);
}

dtu_status read_point(dtu_instance* i, const dtu_point_request* q, uint64_t* call, dtu_error* err) {
  if (call != nullptr) *call = 0;
  Request r;
  r.kind = Request::Kind::read_point;
  at(i).host->sound(at(i), "read_point", {q->point});
  r.name = text(q->point);
  return ask(i, "invoke.read_point", std::move(r), q->done, q->ctx, err);
}

dtu_status write_point(dtu_instance* i, const dtu_point_request* q, uint64_t* call, dtu_error* err) {
  if (call != nullptr) *call = 0;
  Request r;
  r.kind = Request::Kind::write_point;
  at(i).host->sound(at(i), "write_point", {q->point, q->json});
  r.name = text(q->point);
  r.args = text(q->json);
  return ask(i, "invoke.write_point", std::move(r), q->done, q->ctx, err);
}

dtu_status list_points(dtu_instance* i, dtu_str prefix, void (*each)(void*, const dtu_point_info*), void* ctx) {
  State& host = *at(i).host;
  if (!host.on_lane(at(i), "invoke.list_points")) return DTU_E_CLOSED;
  if (!host.sound(at(i), "list_points", {prefix})) return DTU_E_INVALID;
  for (auto it = host.points.lower_bound(text(prefix)); it != host.points.end(); ++it) {
    if (it->first.compare(0, prefix.len, prefix.ptr, prefix.len) != 0) break;
    const dtu_point_info info{sizeof info, 0, str(it->first), str(host.units[it->first]), {}};
    each(ctx, &info);
  }
  return DTU_OK;
}

dtu_status list_commands(dtu_instance* i, dtu_str prefix, void (*each)(void*, dtu_str, const dtu_command_info*),
                         void* ctx) {
  State& host = *at(i).host;
  if (!host.on_lane(at(i), "invoke.list_commands")) return DTU_E_CLOSED;
  for (const auto& [name, handler] : host.handlers) {
    if (name.compare(0, 1, "#") == 0 || name.compare(0, prefix.len, prefix.ptr, prefix.len) != 0) continue;
    const dtu_command_info info{sizeof info, 0, str(name), {}, {}, nullptr, 0};
    each(ctx, {}, &info);
  }
  return DTU_OK;
}

Answer point_answer(std::map<std::string, std::string>& points, const Request& r) {
  const auto it = points.find(r.name);
  if (it == points.end()) return {DTU_E_NOT_FOUND, "", "no point is called " + r.name};
  if (r.kind == Request::Kind::read_point) return {DTU_OK, it->second};
  it->second = r.args;
  return {DTU_OK, ""};
}

}  // namespace

dtu_status State::ask(InstanceRecord& i, Request r, dtu_answer_fn done, void* ctx) {
  r.id = ++last_request_;
  asked_[r.id] = {&i, done, ctx};
  write_down(&Records::requests, r);
  loop.post(&i, [this, r] {
    const std::string key = r.name.empty() ? "#" + std::to_string(r.code) : r.name;
    std::optional<Answer> a = Answer{DTU_E_NOT_FOUND, "", "no command is called " + key};
    if (const auto it = handlers.find(key); it != handlers.end())
      a = it->second(r);
    else if (r.kind != Request::Kind::command)
      a = point_answer(points, r);
    if (a) answer(r.id, *a);
  });
  return DTU_OK;
}

void State::answer(uint64_t id, const Answer& a) {
  const auto it = asked_.find(id);
  if (it == asked_.end())
    return misbehaved(nullptr, rules::scripted,
                      "the test answered request " + std::to_string(id) + ", which is not open");
  const Asked asked = it->second;
  asked_.erase(it);
  if (asked.by->phase != InstanceRecord::Phase::live || asked.done == nullptr) return;  // not after the asker's stop
  const dtu_error error = make_error(a.status, a.error, a.flags);
  const dtu_answer answer{sizeof(dtu_answer), a.status, str(a.json), a.status == DTU_OK ? nullptr : &error};
  asked.done(asked.ctx, &answer);
}

const dtu_invoke_service& invoke_table() {
  static constexpr dtu_invoke_service table{sizeof(dtu_invoke_service),
                                            0,
                                            invoke,
                                            read_point,
                                            write_point,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            list_points,
                                            list_commands};
  return table;
}

}  // namespace dtu::host
