// An MQTT client as a channel wants it: connects, reconnects with back-off, keeps the order, gives every token back
// exactly once and hands what is received to the lane. Everything is [lane] unless it says otherwise.
#pragma once
#include <deque>
#include <dtu/sdk/host.hpp>
#include <functional>
#include <memory>
#include <mqtt/connection.hpp>
#include <mqtt/counters.hpp>
#include <mqtt/paho_threads.hpp>
#include <mqtt/worker.hpp>
#include <optional>
#include <random>
#include <set>

namespace mqtt {

class Session final : private Connection::Events {
 public:
  struct Handler {
    // A received message. False: no room now; it comes again after writable().
    virtual bool deliver(const Incoming& message) = 0;
    // Before each attempt to connect: passwords that carry a time are made here.
    virtual void prepare(Options& /*options*/) {}

   protected:
    ~Handler() = default;
  };

  Session(dtu::Host host, Options options, Handler& handler);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  void start(std::string client_id);  // states follow by host.report
  // DTU_PENDING: report(STOPPED) follows when no callback can come any more. Open messages get a moment to be
  // acknowledged.
  dtu_status stop(uint32_t deadline_ms);
  void writable() { deliver(); }  // the host has room again

  enum class Sent {
    taken,  // host.complete follows
    full,   // host.writable follows
    gone,   // not connected; a report follows
  };
  Sent publish(const Target& target, const dtu_msg& message);
  void complete(uint64_t token, dtu_status status) noexcept;
  void reject(uint64_t token, std::string_view why);  // [any] completes with DTU_E_INVALID, counted, sometimes logged

  struct Status {
    int state;  // 0 connected, 1 connecting, 2 closed by the server, -1 error
    std::string text;
    std::string client_id, broker;
    bool session_present;
    uint32_t in_flight;
    size_t inbox;
  };
  [[nodiscard]] Status status();
  [[nodiscard]] uint32_t in_flight() const { return inflight_.count(); }

 private:
  enum class State { idle, opening, up, closing, waiting, paused, stopped };
  struct Mail {  // what other threads have to say
    std::optional<Connected> connected;
    std::optional<Ended> ended;
    bool job_done = false;
    std::string explanation;
  };

  void connected(Connected&& facts) noexcept override;
  void ended(Ended&& why) noexcept override;
  void received(Incoming&& message) noexcept override;
  void retained_dropped(const Incoming& message) noexcept override;
  void delivered(Inflight::Slot* slot) noexcept override;
  void refused(Inflight::Slot* slot, int reason) noexcept override;

  void wake() noexcept;  // [any] drain() will run
  void drain();
  void deliver();
  void on_timer();
  void open();
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
  dtu::Timer timer_, wake_timer_, ack_timer_;
  Counters counters_;
  Inflight inflight_;
  Inbox inbox_;
  std::unique_ptr<PahoThreads> paho_;  // touched by jobs, and by the lane while none runs
  std::unique_ptr<Connection> connection_;
  Worker worker_;

  State state_ = State::idle;
  Ended why_;
  Connected facts_;
  bool closing_started_ = false;
  bool stopping_ = false;
  uint32_t attempt_ = 0;  // since the last connection that held, or carried something
  uint32_t address_ = 0;  // counts all attempts
  int64_t up_since_ns_ = 0, down_since_ns_ = 0;
  uint32_t short_lived_ = 0;  // connections in a row that were made and ended soon after
  uint32_t wake_delay_ms_ = 0, ack_delay_ms_ = 0;
  bool mend_ = false;  // Paho may be unable to read: see PahoThreads::renew
  bool said_qos_ = false, said_retain_ = false, said_unwatched_ = false;
  std::deque<Inflight::Slot*> unacknowledged_;  // of QoS 0, oldest first
  size_t marked_ = 0;                           // of them, those SocketWatch::mark() covers
  std::string last_logged_;
  std::minstd_rand random_;

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
