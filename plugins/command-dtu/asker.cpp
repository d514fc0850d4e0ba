#include "asker.hpp"

namespace command_dtu {

template <typename Call>
void Asker::ask(const void* owner, Then then, Call call) {
  const auto open = open_.insert(open_.end(), Open{this, owner, std::move(then), {}});
  open->self = open;
  dtu_error error = dtu::make_error(DTU_OK, "");
  const dtu_status status = call(&*open, &error);
  if (status >= DTU_OK) return;
  const Then refused = std::move(open->then);
  open_.erase(open);
  refused(Reply{status, {}, error.message, error.protocol_code});
}

void Asker::invoke(const void* owner, const Question& question, Then then) {
  ask(owner, std::move(then), [&](Open* open, dtu_error* error) {
    dtu_request request{};
    request.struct_size = sizeof request;
    request.caller = question.caller;
    request.command = dtu::str(question.command);
    request.code = question.code;
    request.args = dtu::str(question.args);
    if (question.password) {
      request.password = dtu::str(*question.password);
      if (request.password.ptr == nullptr) request.password.ptr = "";  // given, and empty
    }
    request.link = question.link;
    request.channel = question.channel;
    request.peer = question.peer;
    request.for_call = question.for_call;
    request.deadline_ms = question.deadline_ms;
    request.done = answered;
    request.ctx = open;
    return service_.invoke(host_.instance(), &request, nullptr, error);
  });
}

void Asker::read_point(const void* owner, std::string_view point, Then then) {
  ask(owner, std::move(then), [&](Open* open, dtu_error* error) {
    const dtu_point_request request{sizeof request, 0, dtu::str(point), {}, answered, nullptr, open};
    return service_.read_point(host_.instance(), &request, nullptr, error);
  });
}

void Asker::forget(const void* owner) noexcept {
  for (Open& open : open_)
    if (open.owner == owner) open.then = nullptr;
}

void Asker::each_point(std::string_view prefix, const std::function<void(const dtu_point_info&)>& each) const {
  if (!DTU_HAS(&service_, dtu_invoke_service, list_points)) return;
  struct Context {
    const std::function<void(const dtu_point_info&)>& each;
    dtu_error error;
    dtu_status status;
  } context{each, {}, DTU_OK};
  service_.list_points(
      host_.instance(), dtu::str(prefix),
      [](void* ctx, const dtu_point_info* info) noexcept {
        auto& c = *static_cast<Context*>(ctx);
        if (c.status != DTU_OK) return;
        c.status = dtu::guarded(&c.error, [&] {
          c.each(*info);
          return DTU_OK;
        });
      },
      &context);
  if (context.status != DTU_OK) throw dtu::Failure(context.status, context.error.message);
}

void Asker::answered(void* ctx, const dtu_answer* answer) noexcept {
  auto* open = static_cast<Open*>(ctx);
  Asker& asker = *open->asker;
  const Then then = std::move(open->then);
  asker.open_.erase(open->self);
  if (!then) return;
  dtu_error thrown{};
  if (dtu::guarded(&thrown, [&] {
        const bool aged = answer->struct_size >= offsetof(dtu_answer, flags) + sizeof answer->flags;
        const Reply reply{answer->status,
                          dtu::view(answer->json),
                          answer->error != nullptr ? std::string_view(answer->error->message) : std::string_view(),
                          answer->error != nullptr ? answer->error->protocol_code : 0,
                          aged ? answer->age_ms : 0,
                          aged && (answer->flags & DTU_REPLY_STALE) != 0};
        then(reply);
        return DTU_OK;
      }) != DTU_OK)
    asker.host_.error(std::string("an answer could not be worked on: ") + thrown.message);
}

}  // namespace command_dtu
