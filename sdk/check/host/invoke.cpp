// dtu.invoke/1, answered by what the test scripted. done() is always called from the loop, never inside the call.
#include "host/state.hpp"

#include <dtu/sdk/text.hpp>

#include <algorithm>

namespace dtu::host {
namespace {

InstanceRecord& at(dtu_instance* i) { return InstanceRecord::of(i); }

// Asks, and ends the callbacks when that fails.
template <typename Given, typename Fill>
dtu_status ask(dtu_instance* i, const char* function, const Given* given, std::initializer_list<dtu_str> texts,
               uint64_t* call, dtu_error* err, Fill fill) {
  State& host = *at(i).host;
  const State::Callbacks callbacks{given->done, given->destroy, given->ctx};
  const auto refuse = [&](dtu_status status, const char* why) {
    if (callbacks.destroy != nullptr) callbacks.destroy(callbacks.ctx);
    return fail(err, status, why);
  };
  if (call != nullptr) *call = 0;
  if (!host.on_lane(at(i), function)) return refuse(DTU_E_CLOSED, "the instance is gone");
  host.sound(at(i), function, texts);
  if (given->done == nullptr)
    host.misbehaved(&at(i), rules::arguments, at(i).type + " called " + function + " without a done()");
  if (host.refuses(at(i), function)) return refuse(DTU_AGAIN, "the host takes no more requests");
  if (host.invoke_refusal != DTU_OK) return refuse(host.invoke_refusal, "refused by the test");
  Request r;
  r.by = i;
  r.deadline_ms = given->deadline_ms;
  fill(r);
  return host.ask(at(i), std::move(r), callbacks, call);
}

// False: it cannot be read.
template <typename Given>
bool whole(dtu_instance* i, const char* function, const Given* given) {
  if (given != nullptr && given->struct_size >= sizeof(Given)) return true;
  at(i).host->misbehaved(&at(i), rules::arguments,
                         at(i).type + " called " + function + " with a struct that is too short");
  return false;
}

constexpr size_t remote_max = 64;

// Why it cannot ask for the one it names; "" = it can.
std::string wrong_caller(const State& host, const dtu_request& q) {
  const std::string link = "link " + std::to_string(q.link);
  switch (q.caller) {
    case DTU_CALLER_SELF:
      return {};
    case DTU_CALLER_PORT:
      return !host.has_session || host.has_session(q.link, 0) ? ""
                                                              : "the port of " + link + ", which it does not serve";
    case DTU_CALLER_CHANNEL:
      if (!host.has_session || host.has_session(q.link, q.channel)) return {};
      return "channel " + std::to_string(q.channel) + " of " + link + ", which it does not serve";
    case DTU_CALLER_REMOTE:
      if (q.remote.len == 0 || q.remote.ptr == nullptr) return "a remote without a name";
      return q.remote.len <= remote_max ? "" : "a remote with a name of over 64 bytes";
    case DTU_CALLER_ASKER:
      if (!host.is_answering || host.is_answering(q.for_call)) return {};
      return "whoever made call " + std::to_string(q.for_call) + ", which it is not answering";
    default:
      return "caller " + std::to_string(q.caller) + ", which no plugin can ask for";
  }
}

dtu_status invoke(dtu_instance* i, const dtu_request* q, uint64_t* call, dtu_error* err) {
  if (!whole(i, "invoke.invoke", q)) return DTU_E_INVALID;
  if (const std::string wrong = wrong_caller(*at(i).host, *q); !wrong.empty()) {
    at(i).host->misbehaved(&at(i), rules::caller, at(i).type + " asked for " + wrong);
    if (call != nullptr) *call = 0;
    if (q->destroy != nullptr) q->destroy(q->ctx);
    return fail(err, DTU_E_DENIED, "a plugin cannot ask for " + wrong);
  }
  return ask(i, "invoke.invoke", q, {q->command, q->args, q->password, q->remote, q->to}, call, err, [&](Request& r) {
    r.name = text(q->command);
    r.code = q->code;
    r.args = text(q->args);
    if (q->password.ptr != nullptr) r.password = text(q->password);
    r.caller = q->caller;
    r.link = q->link;
    r.peer = q->peer;
    r.for_call = q->for_call;
    r.channel = q->channel;
    r.remote = text(q->remote);
  });
}

dtu_status ask_of_point(dtu_instance* i, const char* function, Request::Kind kind, const dtu_point_request* q,
                        uint64_t* call, dtu_error* err) {
  if (!whole(i, function, q)) return DTU_E_INVALID;
  return ask(i, function, q, {q->point, q->json}, call, err, [&](Request& r) {
    r.kind = kind;
    r.name = text(q->point);
    r.args = text(q->json);
  });
}
dtu_status read_point(dtu_instance* i, const dtu_point_request* q, uint64_t* call, dtu_error* err) {
  return ask_of_point(i, "invoke.read_point", Request::Kind::read_point, q, call, err);
}
dtu_status write_point(dtu_instance* i, const dtu_point_request* q, uint64_t* call, dtu_error* err) {
  return ask_of_point(i, "invoke.write_point", Request::Kind::write_point, q, call, err);
}
dtu_status await_point(dtu_instance* i, const dtu_point_request* q, uint64_t* call, dtu_error* err) {
  return ask_of_point(i, "invoke.await_point", Request::Kind::await_point, q, call, err);
}

dtu_status cancel(dtu_instance* i, uint64_t call) {
  State& host = *at(i).host;
  if (!host.on_lane(at(i), "invoke.cancel")) return DTU_E_CLOSED;
  return host.cancel(at(i), call) ? DTU_OK : DTU_E_NOT_FOUND;
}

// Nothing is in the way of an answer here.
dtu_status after_answers(dtu_instance* i, uint32_t /*deadline_ms*/, const dtu_task* task) {
  if (!whole(i, "invoke.after_answers", task)) return DTU_E_INVALID;
  State& host = *at(i).host;
  dtu_status status = DTU_OK;
  if (!host.on_lane(at(i), "invoke.after_answers"))
    status = DTU_E_CLOSED;
  else if (task->fn == nullptr)
    status = DTU_E_INVALID;
  if (status == DTU_E_INVALID)
    host.misbehaved(&at(i), rules::arguments, at(i).type + " called invoke.after_answers without a function");
  if (status == DTU_OK)
    host.loop.post(i, [t = *task] { t.fn(t.ctx); }, {task->destroy, task->ctx});
  else if (task->destroy != nullptr)
    task->destroy(task->ctx);
  return status;
}

dtu_status list_points(dtu_instance* i, dtu_str prefix, void (*each)(void*, const dtu_point_info*), void* ctx) {
  State& host = *at(i).host;
  if (!host.on_lane(at(i), "invoke.list_points")) return DTU_E_CLOSED;
  if (!host.sound(at(i), "list_points", {prefix})) return DTU_E_INVALID;
  for (auto it = host.points.lower_bound(text(prefix)); it != host.points.end(); ++it) {
    if (it->first.compare(0, prefix.len, prefix.ptr, prefix.len) != 0) break;
    const std::string& unit = host.units[it->first];
    const uint32_t flags = unit.empty() ? DTU_POINT_WRITABLE : 0;  // what has a unit is measured
    const dtu_point_info info{sizeof info, flags, str(it->first), str(unit), {}};
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

dtu_status State::ask(InstanceRecord& i, Request r, const Callbacks& callbacks, uint64_t* call) {
  constexpr size_t most = 1024;  // as dtud
  const auto open = std::count_if(asked_.begin(), asked_.end(), [&](const auto& a) { return a.second.by == &i; });
  if (static_cast<size_t>(open) >= most) {
    if (callbacks.destroy != nullptr) callbacks.destroy(callbacks.ctx);
    return DTU_AGAIN;
  }
  r.id = ++last_request_;
  if (call != nullptr) *call = r.id;
  asked_[r.id] = {&i, callbacks, r};
  write_down(&Records::requests, r);
  loop.post(&i, [this, r] {
    if (asked_.count(r.id) == 0) return;  // cancelled
    const std::string key = r.name.empty() ? "#" + std::to_string(r.code) : r.name;
    std::optional<Answer> a = Answer{DTU_E_NOT_FOUND, "", "no command is called " + key};
    if (const auto it = handlers.find(key); it != handlers.end())
      a = it->second(r);
    else if (r.kind == Request::Kind::await_point && points.count(r.name) != 0)
      return answer_if_changed(r.id);
    else if (r.kind != Request::Kind::command)
      a = point_answer(points, r);
    if (a && asked_.count(r.id) != 0) answer(r.id, *a);
  });
  return DTU_OK;
}

void State::answer_if_changed(uint64_t id) {
  const Request r = asked_.at(id).request;
  const std::string now = points[r.name];
  if (now != r.args) answer(id, {DTU_OK, now});
}

void State::set_point(const std::string& name, const std::string& json) {
  points[name] = json;
  std::vector<uint64_t> awaits;
  for (const auto& [id, asked] : asked_)
    if (asked.request.kind == Request::Kind::await_point && asked.request.name == name) awaits.push_back(id);
  for (const uint64_t id : awaits)
    if (asked_.count(id) != 0) answer_if_changed(id);
}

bool State::cancel(InstanceRecord& by, uint64_t call) {
  const auto it = asked_.find(call);
  if (it == asked_.end() || it->second.by != &by) return false;
  const Callbacks callbacks = it->second.callbacks;
  asked_.erase(it);
  loop.end(by.handle(), {callbacks.destroy, callbacks.ctx});
  return true;
}

void State::end_callbacks(InstanceRecord& of) {
  end_events(of);
  std::vector<uint64_t> its;
  for (const auto& [id, asked] : asked_)
    if (asked.by == &of) its.push_back(id);
  for (const uint64_t id : its) (void)cancel(of, id);
  loop.end_callbacks(of.handle());
}

void State::answer(uint64_t id, const Answer& a) {
  const auto it = asked_.find(id);
  if (it == asked_.end())
    return misbehaved(nullptr, rules::scripted,
                      "the test answered request " + std::to_string(id) + ", which is not open");
  const Asked asked = it->second;
  const Callbacks& callbacks = asked.callbacks;
  asked_.erase(it);
  if (asked.by->phase == InstanceRecord::Phase::live && callbacks.done != nullptr) {  // not after the asker's stop
    const dtu_error error = make_error(a.status, a.error, a.flags, a.protocol_code);
    const dtu_answer answer{sizeof(dtu_answer), a.status,
                            str(a.json),        a.status == DTU_OK ? nullptr : &error,
                            a.age_ms,           a.stale ? DTU_REPLY_STALE : 0U};
    callbacks.done(callbacks.ctx, &answer);
  }
  loop.end(asked.by->handle(), {callbacks.destroy, callbacks.ctx});
}

const dtu_invoke_service& invoke_table() {
  static constexpr dtu_invoke_service table{sizeof(dtu_invoke_service),
                                            0,
                                            invoke,
                                            read_point,
                                            write_point,
                                            await_point,
                                            cancel,
                                            after_answers,
                                            list_points,
                                            list_commands};
  return table;
}

}  // namespace dtu::host
