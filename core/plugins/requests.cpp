#include "plugins/requests.hpp"

#include <memory>
#include <string>
#include <utility>

#include "plugins/instance.hpp"

namespace dtud::plugins {
namespace {

// An answer that outlives the call that brought it.
struct Kept {
  dtu_status status;
  std::string json;
  dtu_error error{};
  bool has_error;
  uint32_t age_ms, flags;

  explicit Kept(const dtu_answer& a)
      : status(a.status),
        json(a.json.len != 0 ? std::string(a.json.ptr, a.json.len) : ""),
        has_error(a.error != nullptr),
        age_ms(a.age_ms),
        flags(a.flags) {
    if (has_error) error = *a.error;
  }
  [[nodiscard]] dtu_answer view() const {
    return {sizeof(dtu_answer), status, {json.data(), json.size()}, has_error ? &error : nullptr, age_ms, flags};
  }
};

dtu_error blank(dtu_status code = DTU_OK) {
  dtu_error error{};
  error.struct_size = sizeof error;
  error.code = code;
  return error;
}

}  // namespace

void end_callback(Instance& of, const char* what, dtu_fn destroy, void* ctx) noexcept {
  if (destroy != nullptr) of.guarded(what, nullptr, [&] { return destroy(ctx), DTU_OK; });
}

void end_callback(dtu_fn destroy, void* ctx) noexcept {
  if (destroy == nullptr) return;
  try {
    destroy(ctx);
  } catch (...) {  // nobody is left to be told
  }
}

// Main lane. The run is found again by its number, so that nobody is told of a request of the run before.
Asking Requests::asking(uint64_t number) {
  return {number, [run = owner_.handle().as_abi(), number](const dtu_answer& a) {
            Handle* handle = Handle::find(run);
            Instance* instance = handle != nullptr ? handle->instance.load() : nullptr;
            if (instance == nullptr) return;
            instance->answer([handle, number, kept = std::make_shared<Kept>(a)] {
              Instance* asker = handle->instance.load();
              if (asker != nullptr && !handle->closing.load()) asker->requests().answered(number, kept->view());
            });
          }};
}

dtu_status Requests::keep(const Asked& asked, uint64_t& number) {
  // What is asked in a destroy() would be ended in it without end.
  const dtu_status refusal = owner_.handle().ended.load() ? DTU_E_CLOSED : asked_.size() >= kMost ? DTU_AGAIN : DTU_OK;
  if (refusal != DTU_OK) return end_callback(owner_, "destroy of a request", asked.destroy, asked.ctx), refusal;
  number = ++last_;
  asked_.emplace(number, asked);
  return DTU_OK;
}

void Requests::drop(uint64_t number) {
  const auto node = asked_.extract(number);
  if (node) end_callback(owner_, "destroy of a request", node.mapped().destroy, node.mapped().ctx);
}

dtu_status Requests::ask(dtu_answer_fn done, dtu_fn destroy, void* ctx, uint64_t* call, dtu_error* error,
                         uint64_t bytes, Put put) {
  uint64_t number = 0;
  if (const dtu_status status = keep({done, nullptr, destroy, ctx}, number); status != DTU_OK) return status;
  if (owner_.on_main()) {
    const dtu_status status = put(owner_, asking(number), error);
    if (status != DTU_OK) return drop(number), status;
  } else {
    // In order with its answers: what it asks for a call that it then answers has to come first.
    const bool heard = owner_.context().inbox.ask(owner_.handle(), bytes,
                                                  [asking = asking(number), put = std::move(put)](Instance& instance) {
                                                    dtu_error refusal = blank();
                                                    const dtu_status status = put(instance, asking, &refusal);
                                                    if (status == DTU_OK) return;
                                                    if (refusal.code == DTU_OK) refusal.code = status;
                                                    asking.told({sizeof(dtu_answer), status, {}, &refusal, 0, 0});
                                                  });
    if (!heard) return drop(number), DTU_AGAIN;
  }
  if (call != nullptr) *call = number;
  return DTU_OK;
}

// On the main lane, after what it asked and answered before. What an instance asks too fast takes it down.
void Requests::in_order(std::function<void(Instance&)> tell) {
  if (owner_.on_main()) return tell(owner_);
  (void)owner_.context().inbox.ask(owner_.handle(), 0, std::move(tell));
}

dtu_status Requests::after_answers(uint32_t deadline_ms, const dtu_task& task) {
  uint64_t number = 0;
  if (const dtu_status status = keep({nullptr, task.fn, task.destroy, task.ctx}, number); status != DTU_OK)
    return status;
  in_order([deadline_ms, asking = asking(number)](Instance& instance) {
    instance.context().up.after_answers(instance, deadline_ms, asking);
  });
  return DTU_OK;
}

bool Requests::cancel(uint64_t call) {
  if (asked_.count(call) == 0) return false;
  in_order([call](Instance& instance) { instance.context().up.cancel(instance, call); });
  drop(call);
  return true;
}

void Requests::answered(uint64_t number, const dtu_answer& answer) {
  const auto node = asked_.extract(number);
  if (!node) return;  // cancelled meanwhile
  const Asked& asked = node.mapped();
  owner_.guarded("done", nullptr, [&] {
    return asked.task != nullptr ? asked.task(asked.ctx) : asked.done(asked.ctx, &answer), DTU_OK;
  });
  end_callback(owner_, "destroy of a request", asked.destroy, asked.ctx);
}

void Requests::release_all() {
  while (!asked_.empty()) drop(asked_.begin()->first);
}

}  // namespace dtud::plugins
