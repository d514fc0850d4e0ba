// An MQTT client as a channel wants it: connects, connects again after a loss, keeps the order of messages, gives every
// token back exactly once. After each connection come the subscriptions, then the birth message, then messages.
//
// All functions are [lane], and everything is told on the lane, unless a line says otherwise. States go to the host by
// report(); errors carry Options::status_code. A plugin that is a channel derives from mqtt::Channel (channel.hpp),
// which has a Session and does the rest of a channel's work.
#pragma once
#include <dtu/channel.h>

#include <cstdint>
#include <dtu/kit/mqtt/options.hpp>
#include <dtu/sdk/host.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mqtt {

class Client;

// A received message. The texts are valid while deliver() runs.
struct Message {
  std::string_view topic, payload;
  int qos = 0;
  bool retained = false;  // the broker kept it from before this subscription: it is no order, and may be old
  bool dup = false;       // the broker sent it before and does not know whether it arrived
};

// What became of subscribe() or unsubscribe().
struct Outcome {
  dtu_status status = DTU_OK;
  std::string filter;
  std::string text;  // why not, in words; "" with DTU_OK
  int qos = 0;       // of a subscription: what the broker grants, which may be less than was asked for
};

class Session {
 public:
  struct Handler {
    // A received message. Returns false when there is no room for it: it comes again after writable().
    virtual bool deliver(const Message& message) = 0;
    // Before each attempt to connect: logins that carry a time are made here (user name, password, client id). Throws
    // dtu::Failure when there is no login now, as while the clock is not set: that is reported, nothing is sent, and
    // the next attempt comes after the usual wait.
    virtual void prepare(Options& /*options*/) {}
    // The connection is made, the subscriptions and the birth message are sent. And: it ended.
    virtual void connected() {}
    virtual void disconnected() {}

   protected:
    ~Handler() = default;
  };

  // `handler` outlives the session.
  Session(dtu::Host host, Options options, Handler& handler);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Connects as options.client_id.
  void start();
  // DTU_PENDING: report(STOPPED) follows when no callback can come any more. Open messages get a moment to be
  // acknowledged. DTU_OK: it was not started, or has stopped.
  dtu_status stop(uint32_t deadline_ms);
  void writable();  // the host has room again

  enum class Sent {
    taken,  // host.complete follows, if there is a token
    full,   // host.writable follows
    gone,   // not connected; a report follows
  };
  Sent publish(const Target& target, const dtu_msg& message);
  // A message of the plugin's own, such as a request or an answer: nobody is told what became of it.
  Sent publish(const Target& target, std::string_view payload);
  // [any] Completes a message that can never be sent with DTU_E_INVALID; counted, and logged at most every 10 s.
  void reject(uint64_t token, std::string_view why);

  using Told = std::function<void(const Outcome&)>;
  // Subscribes now, and after every connection from now on, until unsubscribe(). A filter that is there already gets
  // the new QoS. `told` may be empty; it is called once, never within this call:
  //   DTU_OK         the broker granted outcome.qos
  //   DTU_E_REFUSED  the broker refused it; it is not subscribed to any more
  //   DTU_E_CLOSED   there is no connection, or it ended before the answer: it is subscribed to after the next
  //   connection DTU_E_INVALID  the filter is wrong (topic.hpp), or there are 256 filters DTU_AGAIN      64 answers are
  //   still to come
  // A broker that does not answer within connect_timeout_ms loses the connection.
  void subscribe(Subscription subscription, Told told = {});
  // Ends a subscription, also one of the options. DTU_E_NOT_FOUND: there is no such filter. DTU_E_CLOSED: no
  // connection; it is not subscribed to after the next one.
  void unsubscribe(const std::string& filter, Told told = {});

  struct Status {
    int state;  // 0 connected, 1 connecting, 2 closed by the server, -1 error
    std::string text;
    std::string client_id, broker;
    bool session_present;
    uint32_t in_flight;
    size_t inbox;
  };
  [[nodiscard]] Status status() const;
  [[nodiscard]] uint32_t in_flight() const;

 private:
  std::unique_ptr<Client> client_;
};

}  // namespace mqtt
