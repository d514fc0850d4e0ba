// One connection to a broker, from the look-up of its name to its end: one Paho client, never used again, so nothing of
// an old connection can call back into a new one.
#pragma once
#include <atomic>
#include <dtu/kit/mqtt/options.hpp>
#include <map>
#include <memory>
#include <mqtt/inbox.hpp>
#include <mqtt/inflight.hpp>
#include <mqtt/mutex.hpp>
#include <mqtt/socket_watch.hpp>
#include <string>
#include <vector>

namespace mqtt {

struct Connected {
  bool session_present = false;
  std::vector<std::string> refused;  // "sensors/#: not authorised (0x87)"
  uint32_t receive_maximum = 65535;
  uint32_t largest_packet = 0;  // 0 = no limit
  int largest_qos = 2;          // of what we publish
  bool retains = true;          // takes messages to be retained
};

struct Ended {
  std::string text;           // why
  bool by_server = false;     // it was up, and the other side closed it
  bool unexplained = false;   // explain() may know more
  bool in_sending = false;    // a message could not be sent
  bool unreadable = false;    // we ended it, because a packet could not be read
  bool of_a_message = false;  // the other side may have ended it because of what we published
  int refusal = 0;            // reason of a CONNACK that refused us (MQTT 5)
};

class Connection {
 public:
  // Called from Paho's threads or from open(), with Paho's lock held: must not block. None comes after close().
  struct Events {
    virtual void connected(Connected&&) noexcept = 0;  // CONNACK and all SUBACKs have come
    virtual void ended(Ended&&) noexcept = 0;          // once at most; before or after connected()
    virtual void received(Incoming&&) noexcept = 0;
    // The broker's code to ask(); 0x80 and more refuses.
    virtual void answered(uint64_t ticket, int code) noexcept = 0;
    virtual void retained_dropped(const Incoming&) noexcept = 0;  // no subscription delivers retained messages
    // QoS 1 and 2: the broker has it. QoS 0: the socket has it.
    virtual void delivered(Inflight::Slot* slot) noexcept = 0;
    virtual void refused(Inflight::Slot* slot, int reason) noexcept = 0;  // by its PUBACK or PUBREC (MQTT 5)

   protected:
    ~Events() = default;
  };

  // `attempt` picks among the addresses of a name.
  Connection(Options options, Events& events, uint32_t attempt);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  void open();            // blocks (name look-up, Paho's lock): for the worker's thread
  void close();           // blocks: says DISCONNECT if it can and waits until no callback can come any more
  std::string explain();  // blocks: a better text for an `unexplained` end, or ""

  enum class Sent { taken, gone, impossible };
  // Only between connected() and ended(). Takes Paho's lock, which is held by its threads while they connect somebody.
  Sent send(const std::string& topic, std::string_view payload, Inflight::Slot* slot, bool retain);

  // SUBSCRIBE, or UNSUBSCRIBE of what.filter. Only between connected() and ended(), on the lane; takes Paho's lock.
  // False: the connection broke. answered() follows, unless the connection ends before.
  bool ask(uint64_t ticket, const Subscription& what, bool remove);
  void answered(uint64_t ticket) { tickets_.erase(ticket); }  // on the lane

  [[nodiscard]] SocketWatch& watch() { return watch_; }  // between connected() and close(), on one thread

 private:
  struct Callbacks;  // what Paho calls
  struct Asked {
    Connection* connection = nullptr;
    std::string filter;
    uint64_t ticket = 0;  // 0: of the connection's beginning
  };
  void connect_to(const std::string& address);
  void subscribe();
  int request(Asked& asked, const Subscription& what, bool remove);
  void end_connecting(int code, const char* message);
  void end(std::string text, bool by_server, bool unexplained = false);
  void end_lost();
  void end_by_peer(std::string text, bool of_a_message);
  [[nodiscard]] bool delivers_retained(std::string_view topic);
  void up();

  const Options options_;
  Events& events_;
  const uint32_t attempt_;
  const bool v5_;
  std::string address_;                                 // numeric; set by open()
  std::string tls_error_;                               // OpenSSL's words; under Paho's lock
  Connected facts_;                                     // under Paho's lock until connected()
  std::vector<Asked> asked_;                            // under Paho's lock
  std::map<uint64_t, std::unique_ptr<Asked>> tickets_;  // the lane's; Paho has pointers to them
  Mutex filters_mutex_;
  std::vector<Subscription> filters_ MQTT_GUARDED_BY(filters_mutex_);
  size_t unanswered_ = 0;   // under Paho's lock
  void* handle_ = nullptr;  // MQTTAsync
  SocketWatch watch_;       // written before connected()
  std::atomic<bool> ended_{false};
};

}  // namespace mqtt
