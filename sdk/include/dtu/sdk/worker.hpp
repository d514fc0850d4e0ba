// Work that blocks, away from the lane: a thread, a bounded queue of jobs, results on the lane.
//
//   dtu::Worker worker_{host_};  // a member; it goes before what its jobs use
//   worker_.run([file = path_] { return read_whole(file); },                  // on the thread
//               [this](const dtu::Worked<std::string>& text) { use(text); });  // on the lane
// A job bounds its own time: stopping waits for the one under way. Not part of sdk.hpp: include it where it is used.
#pragma once
#include <pthread.h>
#include <dtu/sdk/calls.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <type_traits>
#include <variant>

namespace dtu {

// What a job came to: an exception becomes a status and a text.
template <typename T>
struct Worked {
  dtu_status status = DTU_OK;
  std::string error = {};
  std::optional<T> value = {};
  [[nodiscard]] bool ok() const noexcept { return status == DTU_OK; }
};
template <>
struct Worked<void> : Worked<std::monostate> {};

// [lane] but for stopping().
class Worker {
 public:
  struct Options {
    size_t most = 64;  // jobs that wait, run, or whose result was not told yet
    const char* name = "dtu-worker";
    std::chrono::milliseconds idle{10'000};  // without a job for so long the thread ends, until the next one
  };

  explicit Worker(Host host) : Worker(host, Options{}) {}
  Worker(Host host, Options options) : state_(std::make_shared<State>(host, options)) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() { stop(); }

  // job() on the thread, in the order asked; then(const Worked<what it returns>&) on the lane, never within this call.
  // False: too many are there, or stop() was called; neither is called. Throws a Failure when no thread can be had.
  template <typename JobFn, typename ThenFn>
  bool run(JobFn job, ThenFn then) {
    return take(std::make_unique<JobOf<JobFn, ThenFn>>(std::move(job), std::move(then)));
  }

  // Waits for the job under way. What waits is dropped, and no result is told any more: the functions are freed here.
  void stop() noexcept {
    std::deque<JobPtr> dropped, untold;
    {
      const std::lock_guard<std::mutex> lock(state_->mutex);
      state_->stopping = true;
      dropped.swap(state_->waiting);
      state_->changed.notify_all();
    }
    if (thread_.joinable()) thread_.join();
    untold.swap(state_->finished);
  }
  // For a job that takes long in steps. [any]
  [[nodiscard]] bool stopping() const {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    return state_->stopping;
  }

 private:
  struct Job {
    virtual ~Job() = default;
    virtual void work() noexcept = 0;
    virtual void tell() = 0;
  };
  using JobPtr = std::unique_ptr<Job>;

  template <typename JobFn, typename ThenFn>
  struct JobOf final : Job {
    using T = std::invoke_result_t<JobFn&>;
    JobOf(JobFn j, ThenFn t) : job(std::move(j)), then(std::move(t)) {}
    void work() noexcept override {
      dtu_error e{};
      result.status = guarded(&e, [this] {
        if constexpr (std::is_void_v<T>)
          (*job)();
        else
          result.value = (*job)();
        return DTU_OK;
      });
      if (result.status != DTU_OK) result.error = e.message;
      job.reset();  // what it captured is freed where it was used
    }
    void tell() override { then(std::as_const(result)); }
    std::optional<JobFn> job;
    ThenFn then;
    Worked<T> result;
  };

  struct State {  // shared with the thread, and with what it posted: that may come when the worker is gone
    State(Host h, Options o) : host(h), options(o) {}
    const Host host;
    const Options options;
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::deque<JobPtr> waiting, finished;
    size_t open = 0;                            // jobs whose result was not told
    bool stopping = false, has_thread = false;  // without a thread only the lane looks here
  };

  bool take(JobPtr job) {
    State& s = *state_;
    bool has_thread = false;
    {
      const std::lock_guard<std::mutex> lock(s.mutex);
      if (s.stopping || s.open >= s.options.most) return false;
      has_thread = s.has_thread;
      s.waiting.push_back(std::move(job));
      ++s.open;
      s.changed.notify_all();
    }
    if (!has_thread) begin();
    return true;
  }
  void begin() {
    if (thread_.joinable()) thread_.join();  // it has ended for want of work
    try {
      state_->has_thread = true;
      thread_ = std::thread([state = state_] { work(state); });
    } catch (const std::system_error& e) {
      std::deque<JobPtr> dropped;
      const std::lock_guard<std::mutex> lock(state_->mutex);
      state_->has_thread = false;
      dropped.swap(state_->waiting);
      state_->open -= dropped.size();
      throw Failure::retryable(DTU_E_IO, std::string("cannot begin a thread: ") + e.what());
    }
  }

  // The thread.
  static void work(const std::shared_ptr<State>& state) {
    sigset_t all{};
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the program's business
    pthread_setname_np(pthread_self(), state->options.name);
    while (JobPtr job = next(*state)) {
      job->work();
      finish(state, std::move(job));
    }
  }
  static JobPtr next(State& s) {
    std::unique_lock<std::mutex> lock(s.mutex);
    s.changed.wait_for(lock, s.options.idle, [&] { return s.stopping || !s.waiting.empty(); });
    if (s.stopping || s.waiting.empty()) {
      s.has_thread = false;
      return nullptr;
    }
    JobPtr job = std::move(s.waiting.front());
    s.waiting.pop_front();
    return job;
  }
  static void finish(const std::shared_ptr<State>& state, JobPtr job) {
    State& s = *state;
    {
      const std::lock_guard<std::mutex> lock(s.mutex);
      s.finished.push_back(std::move(job));
    }
    while (post(s.host, [state] { tell(state); }) == DTU_AGAIN) {
      std::unique_lock<std::mutex> lock(s.mutex);
      if (s.changed.wait_for(lock, std::chrono::milliseconds(10), [&] { return s.stopping; })) return;
    }
  }

  // The lane.
  static void tell(const std::shared_ptr<State>& state) {
    for (;;) {
      JobPtr job;
      {
        const std::lock_guard<std::mutex> lock(state->mutex);
        if (state->stopping || state->finished.empty()) return;
        job = std::move(state->finished.front());
        state->finished.pop_front();
        --state->open;
      }
      dtu_error e{};  // the next result is told all the same
      if (guarded(&e, [&] { return job->tell(), DTU_OK; }) != DTU_OK)
        state->host.error(std::string("result of a job: ") + e.message);
    }
  }

  const std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace dtu
