// What is behind a Session: the states of the connection, the window, the tokens, the downlink queue. Everything is
// [lane] unless it says otherwise. client.cpp has the life of the connection, uplink.cpp what is published.
#pragma once
#include <deque>
#include <dtu/kit/mqtt/session.hpp>
#include <dtu/kit/net/backoff.hpp>
#include <functional>
#include <memory>
#include <mqtt/connection.hpp>
#include <mqtt/counters.hpp>
#include <mqtt/paho_threads.hpp>
#include <mqtt/subscriptions.hpp>
#include <mqtt/worker.hpp>
#include <optional>
#include <set>

namespace mqtt {

class Client final : private Connection::Events {
 public:
  using Handler = Session::Handler;
  using Sent = Session::Sent;

  Client(dtu::Host host, Options options, Handler& handler);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // As Session says.
  void start();
  dtu_status stop(uint32_t deadline_ms);
  void writable() { deliver(); }
  Sent publish(const Target& target, const dtu_msg& message);
  void reject(uint64_t token, std::string_view why);
  void subscribe(Subscription subscription, Session::Told told);
  void unsubscribe(const std::string& filter, Session::Told told);
  [[nodiscard]] Session::Status status();
  [[nodiscard]] uint32_t in_flight() const { return inflight_.count(); }

 private:
  enum class State { idle, opening, up, closing, waiting, paused, stopped };
  struct Answer {  // to a SUBSCRIBE or UNSUBSCRIBE of run time
    uint64_t ticket;
    int code;
  };
  struct Mail {  // what other threads have to say
    std::optional<Connected> connected;
    std::optional<Ended> ended;
    std::vector<Answer> answers;
    bool job_done = false;
    std::string explanation;
  };

  void connected(Connected&& facts) noexcept override;
  void ended(Ended&& why) noexcept override;
  void received(Incoming&& message) noexcept override;
  void retained_dropped(const Incoming& message) noexcept override;
  void answered(uint64_t ticket, int code) noexcept override;
  void delivered(Inflight::Slot* slot) noexcept override;
  void refused(Inflight::Slot* slot, int reason) noexcept override;

  void wake() noexcept;  // [any] drain() will run
  void drain();
  void deliver();
  bool take(const Incoming& message);
  void on_timer();
  void open();
  void wait(std::string why);
  void report_down();
  void tell_subscribers();
  void guard(const std::function<void()>& body) noexcept;
  void ask(uint64_t ticket, const Subscription& what, bool remove);
  void catch_up();
  void on_answer_timer();
  void complete(uint64_t token, dtu_status status) noexcept;
  void became_up(Connected&& facts);
  void use_limits();
  void lower_will();
  void publish_birth();
  void settle();
  void on_ack_timer();
  void on_wake_timer();
  void end_if_drained();
  void begin_close(Ended why);
  void start_close();
  void closed(const std::string& explanation);
  void run_job(std::function<std::string()> job);
  uint32_t back_off_ms();
  void report_trouble(int32_t state, const std::string& text);
  [[nodiscard]] bool log_now(std::atomic<int64_t>& quiet_until_ns) const;
  [[nodiscard]] int usable_qos(int qos) const;
  Connection::Sent hand_over(const std::string& topic, std::string_view payload, Inflight::Slot* slot, bool retain);

  dtu::Host host_;
  Options options_;
  Handler& handler_;
  const dtu_post_service& post_;
  dtu::Timer timer_, wake_timer_, ack_timer_, answer_timer_;
  Counters counters_;
  Inflight inflight_;
  Inbox inbox_;
  Subscriptions subscriptions_;
  std::vector<Subscription> asked_;  // when the connection was begun
  net::Backoff backoff_;
  std::unique_ptr<PahoThreads> paho_;  // touched by jobs, and by the lane while none runs
  std::unique_ptr<Connection> connection_;
  Worker worker_;

  State state_ = State::idle;
  Ended why_;
  Connected facts_;
  bool closing_started_ = false;
  bool stopping_ = false;
  uint32_t address_ = 0;    // counts all attempts
  bool connected_ = false;  // the handler was told
  int64_t up_since_ns_ = 0, down_since_ns_ = 0;
  uint32_t short_lived_ = 0;  // connections in a row that were made and ended soon after
  uint32_t wake_delay_ms_ = 0, ack_delay_ms_ = 0;
  bool mend_ = false;  // Paho may be unable to read: see PahoThreads::renew
  bool said_qos_ = false, said_retain_ = false, said_unwatched_ = false;
  std::deque<Inflight::Slot*> unacknowledged_;  // of QoS 0, oldest first
  size_t marked_ = 0;                           // of them, those SocketWatch::mark() covers
  std::string last_logged_;

  std::atomic<bool> posted_{false};
  std::atomic<bool> carried_{false};   // the broker acknowledged a message on this connection
  std::atomic<bool> draining_{false};  // tell when nothing is in flight any more
  std::atomic<bool> overflow_{false};
  std::atomic<bool> said_too_large_{false};
  std::atomic<int64_t> quiet_until_ns_{0}, downlink_quiet_until_ns_{0};
  Mutex mutex_;
  std::set<std::string> retained_said_ MQTT_GUARDED_BY(mutex_);  // topics
  Mail mail_ MQTT_GUARDED_BY(mutex_);
};

}  // namespace mqtt
