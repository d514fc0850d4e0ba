// Asking the host in C++: commands, points, work for the lane. Every function given here is owned by the host until it
// has run or never will, and freed with all it captured; nothing has to outlive the answer by itself.
//
//   dtu::Call imei_;  // a member: when it goes, or gets another call, nobody waits for the answer any more
//   imei_ = dtu::read_point(host_, "device.imei", [this](const dtu::Answer& a) {
//     if (a.ok()) use(a.json);
//   });
//   if (!imei_) ...  // refused at once: imei_.status(), imei_.error()
//   dtu::post(host_, [this] { ... });  // from any thread
//
// Not part of sdk.hpp: include it where it is used.
#pragma once
#include <dtu/invoke.h>
#include <dtu/sdk/host.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace dtu {

struct Answer {  // its views last until the function returns
  dtu_status status = DTU_OK;
  std::string_view json;   // a JSON value; "" = null
  std::string_view error;  // the text, when status is a failure
  uint32_t error_flags = 0;
  uint32_t age_ms = 0;  // of a point: how long ago its value was measured,
  bool stale = false;   // which is longer than its provider means it to be
  [[nodiscard]] bool ok() const noexcept { return status == DTU_OK; }
};
using Then = std::function<void(const Answer&)>;

// A request under way, or why there is none. Move-only. [lane]
class Call {
 public:
  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  Call(Call&& o) noexcept { swap(o); }
  Call& operator=(Call&& o) noexcept {
    Call(std::move(o)).swap(*this);
    return *this;
  }
  ~Call() { cancel(); }

  // The host took it. It stays so when the answer has come.
  explicit operator bool() const noexcept { return host_.has_value(); }
  [[nodiscard]] dtu_status status() const noexcept { return status_; }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  // Its function is not called any more, and freed. Nothing happens when it has been called.
  void cancel() noexcept {
    const std::optional<Host> host = std::exchange(host_, std::nullopt);
    const auto* svc = host ? host->service<dtu_invoke_service>(DTU_INVOKE_SERVICE) : nullptr;
    if (svc != nullptr && DTU_HAS(svc, dtu_invoke_service, cancel)) svc->cancel(host->instance(), id_);
  }
  // The answer is wanted whatever becomes of this object.
  void let_go() noexcept { host_.reset(); }

  // For the functions below.
  static Call made(Host host, dtu_status status, uint64_t id, const dtu_error& error) {
    Call call;
    call.status_ = status;
    call.id_ = id;
    if (status == DTU_OK)
      call.host_ = host;
    else
      call.error_ = error.message;
    return call;
  }

 private:
  void swap(Call& o) noexcept {
    std::swap(host_, o.host_);
    std::swap(id_, o.id_);
    std::swap(status_, o.status_);
    std::swap(error_, o.error_);
  }
  std::optional<Host> host_;
  uint64_t id_ = 0;
  dtu_status status_ = DTU_E_NOT_FOUND;
  std::string error_;
};

namespace detail {

// What the host keeps: freed by its destroy.
template <typename Fn>
struct Owned {
  Host host;
  Fn fn;

  static void destroy(void* self) noexcept { std::unique_ptr<Owned>(static_cast<Owned*>(self)).reset(); }
  template <typename... Args>
  static void run(void* self, const char* what, const Args&... args) noexcept {
    auto& me = *static_cast<Owned*>(self);
    dtu_error e{};
    if (guarded(&e, [&] { return me.fn(args...), DTU_OK; }) != DTU_OK)
      me.host.error(std::string(what) + ": " + e.message);
  }
  static void run_task(void* self) noexcept { run(self, "posted function"); }
  static void run_answer(void* self, const dtu_answer* a) noexcept {
    const bool aged = a->struct_size >= offsetof(dtu_answer, flags) + sizeof a->flags;
    run(self, "answer",
        Answer{a->status, view(a->json), a->error != nullptr ? std::string_view(a->error->message) : std::string_view(),
               a->error != nullptr ? a->error->flags : 0, aged ? a->age_ms : 0,
               aged && (a->flags & DTU_REPLY_STALE) != 0});
  }
};

// Hands a request over, with `then` in it. From then on it is the host's, also when it refuses.
template <typename Request>
Call ask(Host host, dtu_status (*dtu_invoke_service::*put)(dtu_instance*, const Request*, uint64_t*, dtu_error*),
         Request request, Then then) {
  uint64_t id = 0;
  dtu_error error{};
  error.struct_size = sizeof error;
  dtu_status status = DTU_E_UNSUPPORTED;
  const auto* svc = host.service<dtu_invoke_service>(DTU_INVOKE_SERVICE);
  if (svc != nullptr && svc->*put != nullptr) {
    using Kept = Owned<Then>;
    request.struct_size = sizeof request;
    request.done = Kept::run_answer;
    request.destroy = Kept::destroy;
    request.ctx = std::make_unique<Kept>(Kept{host, std::move(then)}).release();
    status = (svc->*put)(host.instance(), &request, &id, &error);
  }
  return Call::made(host, status, id, error);
}

}  // namespace detail

// Runs a command. The struct says which and for whom; its callbacks and its size are set here.
[[nodiscard]] inline Call ask(Host host, const dtu_request& request, Then then) {
  return detail::ask(host, &dtu_invoke_service::invoke, request, std::move(then));
}
// Runs a command for the plugin itself.
[[nodiscard]] inline Call ask(Host host, std::string_view command, std::string_view args, Then then,
                              uint32_t deadline_ms = 0) {
  dtu_request request{};
  request.caller = DTU_CALLER_SELF;
  request.command = str(command);
  request.code = -1;
  request.args = str(args);
  request.deadline_ms = deadline_ms;
  return ask(host, request, std::move(then));
}

namespace detail {
inline dtu_point_request about(std::string_view point, std::string_view json, uint32_t deadline_ms) noexcept {
  return {sizeof(dtu_point_request), deadline_ms, str(point), str(json), nullptr, nullptr, nullptr};
}
}  // namespace detail

[[nodiscard]] inline Call read_point(Host host, std::string_view point, Then then, uint32_t deadline_ms = 0) {
  return detail::ask(host, &dtu_invoke_service::read_point, detail::about(point, {}, deadline_ms), std::move(then));
}
[[nodiscard]] inline Call write_point(Host host, std::string_view point, std::string_view json, Then then,
                                      uint32_t deadline_ms = 0) {
  return detail::ask(host, &dtu_invoke_service::write_point, detail::about(point, json, deadline_ms), std::move(then));
}
// Answered when the value is another one than `json`; without a deadline it waits until then.
[[nodiscard]] inline Call await_point(Host host, std::string_view point, std::string_view json, Then then,
                                      uint32_t deadline_ms = 0) {
  return detail::ask(host, &dtu_invoke_service::await_point, detail::about(point, json, deadline_ms), std::move(then));
}

// Runs fn on the lane, soon. [any] On failure fn is freed here.
inline dtu_status post(Host host, std::function<void()> fn) {
  const auto* svc = host.service<dtu_post_service>(DTU_POST_SERVICE);
  if (svc == nullptr) return DTU_E_UNSUPPORTED;
  using Kept = detail::Owned<std::function<void()>>;
  const dtu_task task{sizeof task, 0, Kept::run_task, Kept::destroy,
                      std::make_unique<Kept>(Kept{host, std::move(fn)}).release()};
  return svc->post(host.instance(), &task);
}

// Runs fn when the answers given so far have left, at the latest after the deadline: see dtu_invoke_service. [lane]
inline dtu_status after_answers(Host host, uint32_t deadline_ms, std::function<void()> fn) {
  const auto* svc = host.service<dtu_invoke_service>(DTU_INVOKE_SERVICE);
  if (svc == nullptr || !DTU_HAS(svc, dtu_invoke_service, after_answers)) return DTU_E_UNSUPPORTED;
  using Kept = detail::Owned<std::function<void()>>;
  const dtu_task task{sizeof task, 0, Kept::run_task, Kept::destroy,
                      std::make_unique<Kept>(Kept{host, std::move(fn)}).release()};
  return svc->after_answers(host.instance(), deadline_ms, &task);
}

}  // namespace dtu
