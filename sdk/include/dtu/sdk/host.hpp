// The host as a C++ object, and RAII for what it lends: buffers, timers, watched descriptors.
#pragma once
#include <dtu/services.h>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <chrono>
#include <functional>

namespace dtu {

// One reference to a host buffer.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const dtu_host* host, dtu_instance* holder, dtu_buf* adopted) noexcept
      : host_(host), holder_(holder), buf_(adopted) {}
  Buffer(Buffer&& o) noexcept : host_(o.host_), holder_(o.holder_), buf_(std::exchange(o.buf_, nullptr)) {}
  Buffer& operator=(Buffer&& o) noexcept {
    if (this != &o) {
      reset();
      host_ = o.host_;
      holder_ = o.holder_;
      buf_ = std::exchange(o.buf_, nullptr);
    }
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { reset(); }
  void reset() noexcept {
    if (buf_ != nullptr) host_->buf_unref(holder_, std::exchange(buf_, nullptr));
  }
  [[nodiscard]] dtu_buf* get() const noexcept { return buf_; }
  explicit operator bool() const noexcept { return buf_ != nullptr; }

 private:
  const dtu_host* host_ = nullptr;
  dtu_instance* holder_ = nullptr;
  dtu_buf* buf_ = nullptr;
};

// False: time_ns of the message is of a clock that nobody had set when it was read, so it is no date.
inline bool clock_was_set(const dtu_msg& msg) noexcept { return (msg.flags & DTU_MSG_CLOCK_UNSET) == 0; }

// What became of one message that was emitted: true when the host took it. Otherwise there are two cases. again():
// there is no room; keep the message and emit it again after writable(). Else it is refused for good (it is too long,
// its port is closed, stop() has begun): leave it out, status() says why.
class EmitResult {
 public:
  explicit EmitResult(dtu_status status) noexcept : status_(status) {}
  operator bool() const noexcept { return status_ == DTU_OK; }  // NOLINT(google-explicit-constructor): as a bool before
  [[nodiscard]] bool again() const noexcept { return status_ == DTU_AGAIN; }
  [[nodiscard]] dtu_status status() const noexcept { return status_; }

 private:
  dtu_status status_;
};

// Copyable, two pointers. Every member may be called from any thread unless it says otherwise.
class Host {
 public:
  Host(const dtu_host* h, dtu_instance* i) noexcept : h_(h), i_(i) {}

  void log(int32_t level, std::string_view text) const noexcept { h_->log(i_, level, str(text)); }
  void error(std::string_view text) const noexcept { log(DTU_LOG_ERROR, text); }
  void warn(std::string_view text) const noexcept { log(DTU_LOG_WARNING, text); }
  void info(std::string_view text) const noexcept { log(DTU_LOG_INFO, text); }
  void debug(std::string_view text) const noexcept { log(DTU_LOG_DEBUG, text); }

  [[nodiscard]] Buffer alloc(uint64_t len, uint8_t** bytes) const noexcept {
    return {h_, i_, h_->buf_alloc(i_, len, bytes)};
  }
  [[nodiscard]] Buffer keep(dtu_buf* b) const noexcept {
    h_->buf_ref(i_, b);
    return {h_, i_, b};
  }
  dtu_status emit(const dtu_msg* m, uint32_t n, uint32_t* taken) const noexcept { return h_->emit(i_, m, n, taken); }
  // One message from bytes the caller keeps: the host copies.
  [[nodiscard]] EmitResult emit(uint64_t source, std::string_view payload, std::string_view route = {}) const noexcept {
    dtu_msg m{};
    m.source = source;
    m.route = str(route);
    m.payload = str(payload);
    uint32_t taken = 0;
    return EmitResult(h_->emit(i_, &m, 1, &taken));
  }
  // Of a message that wants no completion (token 0) nothing is said.
  void complete(uint64_t token, dtu_status s) const noexcept {
    if (token != 0) dtu_complete(h_, i_, token, s);
  }
  void writable(uint64_t source = 0) const noexcept { h_->writable(i_, source); }
  void report(int32_t state, uint64_t source = 0) const noexcept { dtu_report(h_, i_, source, state, nullptr); }
  void report(int32_t state, dtu_status code, std::string_view text, uint64_t source = 0) const noexcept {
    const dtu_error e = make_error(code, text, DTU_ERR_RETRYABLE);
    dtu_report(h_, i_, source, state, &e);
  }
  dtu_status reply(uint64_t call, std::string_view json) const noexcept {
    return dtu_reply_to(h_, i_, call, DTU_OK, str(json), nullptr);
  }
  // A point's value that was measured `age` ago. stale: that is longer ago than it should be.
  dtu_status reply_aged(uint64_t call, std::string_view json, std::chrono::milliseconds age,
                        bool stale) const noexcept {
    constexpr int64_t kMost = UINT32_MAX;
    const auto ms = static_cast<uint32_t>(std::clamp<int64_t>(age.count(), 0, kMost));
    const dtu_reply r = {sizeof r, DTU_OK, call, str(json), nullptr, ms, stale ? DTU_REPLY_STALE : 0U};
    return h_->reply(i_, &r);
  }
  dtu_status reply_error(uint64_t call, dtu_status code, std::string_view text, uint32_t flags = 0,
                         uint32_t protocol_code = 0) const noexcept {
    const dtu_error e = make_error(code, text, flags, protocol_code);
    return dtu_reply_to(h_, i_, call, code, {}, &e);
  }
  [[nodiscard]] int64_t monotonic_ns() const noexcept { return h_->monotonic_ns(); }
  // Null when the host does not offer it.
  template <typename Service>
  [[nodiscard]] const Service* service(const char* id) const noexcept {
    return static_cast<const Service*>(h_->service(i_, id));
  }
  // The service, or a Failure that names it: for plugins that cannot do without.
  template <typename Service>
  [[nodiscard]] const Service& need(const char* id) const {
    if (const auto* s = service<Service>(id)) return *s;
    throw Failure(DTU_E_UNSUPPORTED, std::string("this host does not offer ") + id);
  }
  [[nodiscard]] const dtu_host* raw() const noexcept { return h_; }
  [[nodiscard]] dtu_instance* instance() const noexcept { return i_; }

 private:
  const dtu_host* h_;
  dtu_instance* i_;
};

// A timer of the lane; destroyed with the object. [lane]
class Timer {
 public:
  Timer(Host host, std::function<void()> fn)
      : host_(host), svc_(host.need<dtu_timer_service>(DTU_TIMER_SERVICE)), fn_(std::move(fn)) {
    const dtu_timer timer{sizeof timer, 0, run, nullptr, this};
    if (svc_.create(host_.instance(), &timer, &id_) != DTU_OK) throw Failure(DTU_E_INTERNAL, "cannot create a timer");
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { svc_.destroy(host_.instance(), id_); }
  void arm_us(uint64_t delay_us, uint64_t period_us = 0) { svc_.arm(host_.instance(), id_, delay_us, period_us); }
  void arm_ms(uint64_t delay_ms, uint64_t period_ms = 0) { arm_us(delay_ms * 1000, period_ms * 1000); }
  void disarm() { svc_.disarm(host_.instance(), id_); }

 private:
  static void run(void* self) noexcept { static_cast<Timer*>(self)->call(); }
  void call() noexcept {
    const Host host = host_;  // fn_ may destroy this object
    dtu_error e{};
    if (guarded(&e, [this] {
          fn_();
          return DTU_OK;
        }) != DTU_OK)
      host.error(std::string("timer: ") + e.message);
  }
  Host host_;
  const dtu_timer_service& svc_;
  std::function<void()> fn_;
  uint64_t id_ = 0;
};

// Watches a descriptor it does not own; stops with the object, which must go before the descriptor is closed. [lane]
class FdWatch {
 public:
  FdWatch(Host host, int fd, uint32_t events, std::function<void(uint32_t)> fn)
      : host_(host), svc_(host.need<dtu_fd_service>(DTU_FD_SERVICE)), fn_(std::move(fn)), events_(events) {
    const dtu_watch watch{sizeof watch, fd, events, 0, run, nullptr, this};
    if (svc_.add(host_.instance(), &watch, &id_) != DTU_OK)
      throw Failure(DTU_E_INTERNAL, "the lane cannot watch descriptor " + std::to_string(fd));
  }
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;
  ~FdWatch() { svc_.remove(host_.instance(), id_); }
  void want(uint32_t events) {
    if (events == events_) return;
    events_ = events;
    svc_.modify(host_.instance(), id_, events);
  }
  [[nodiscard]] uint32_t wanted() const noexcept { return events_; }

 private:
  static void run(void* self, uint32_t events) noexcept { static_cast<FdWatch*>(self)->call(events); }
  void call(uint32_t events) noexcept {
    const Host host = host_;  // fn_ may destroy this object
    dtu_error e{};
    if (guarded(&e, [&] {
          fn_(events);
          return DTU_OK;
        }) != DTU_OK)
      host.error(std::string("descriptor: ") + e.message);
  }
  Host host_;
  const dtu_fd_service& svc_;
  std::function<void(uint32_t)> fn_;
  uint64_t id_ = 0;
  uint32_t events_;
};

}  // namespace dtu
