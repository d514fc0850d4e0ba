// A client with a thread of its own: requests are asked on the lane and answered there, one after the other.
//   The connection is kept for the next request to the same server, and made anew when the server closed it meanwhile.
//   A request on a kept connection that ends before a byte of an answer is sent once more, if doing it twice is like
//   doing it once (not POST). Redirects are followed for GET only: five at most, never from https to http, `headers`
//   only to the first server.
#pragma once
#include <condition_variable>
#include <deque>
#include <dtu/sdk/host.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <dtu/kit/http/addresses.hpp>
#include <dtu/kit/http/message.hpp>

namespace http {

class Connection;
class Patience;
struct Exchanged;
struct TlsContext;

// An eventfd.
class Event {
 public:
  Event();  // throws dtu::Failure
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();
  [[nodiscard]] int fd() const noexcept { return fd_; }
  void set() const noexcept;
  void clear() const noexcept;

 private:
  int fd_;
};

class Client {
 public:
  static constexpr size_t kMostWaiting = 16;
  using Done = std::function<void(const Answer&)>;

  Client(dtu::Host host, Tls tls, Lookup lookup = system_lookup);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();  // ends what is under way; waits for a name look-up, which cannot be ended

  // `done` comes later from the loop, and not after stop(); it does not destroy the client. False: too many are
  // waiting, or the client was stopped.
  [[nodiscard]] bool ask(Request request, Done done);  // [lane]
  // Ends what is under way at once. True: nothing is left. Else `stopped` comes from the loop when the thread has
  // ended.
  [[nodiscard]] bool stop(std::function<void()> stopped);  // [lane]

 private:
  struct Job {
    Request request;
    Done done;
    Answer answer;
  };

  void work() noexcept;
  [[nodiscard]] std::optional<Job> next();
  [[nodiscard]] Answer carry_out(Request request);
  [[nodiscard]] Exchanged try_one(const Request& request, bool with_headers, const Patience& patience, Answer& counts);
  void connect(const Url& url, const Patience& patience);
  void settle(const Request& request, const Patience& patience);
  void told();  // [lane]
  void tell_to_stop() noexcept;

  const Tls tls_;
  const Lookup lookup_;
  const Event stop_;  // readable once the client is told to stop
  const Event news_;  // readable when the thread has something for the lane

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_, done_;
  bool stopping_ = false, ended_ = false;

  std::unique_ptr<TlsContext> context_;     // the thread's
  std::unique_ptr<Connection> connection_;  // the thread's
  std::function<void()> stopped_;           // the lane's
  dtu::FdWatch watch_;
  std::thread thread_;  // begun by the first request
};

}  // namespace http
