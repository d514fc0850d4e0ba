// One connection to a broker, from the look-up of its name to its end: one Paho client, never used again, so nothing of
// an old connection can call back into a new one.
#pragma once
#include <atomic>
#include <mqtt/inbox.hpp>
#include <mqtt/inflight.hpp>
#include <mqtt/options.hpp>
#include <string>
#include <vector>

namespace mqtt {

struct Connected {
  bool session_present = false;
  std::vector<std::string> refused;  // "sensors/#: not authorised (0x87)"
  uint32_t receive_maximum = 65535;
  uint32_t largest_packet = 0;  // 0 = no limit
};

struct Ended {
  std::string text;          // why
  bool by_server = false;    // it was up, and the other side closed it
  bool unexplained = false;  // explain() may know more
  bool in_sending = false;   // a message could not be sent
};

class Connection {
 public:
  // Called from Paho's threads or from open(), with Paho's lock held: must not block. None comes after close().
  struct Events {
    virtual void connected(Connected&&) noexcept = 0;  // CONNACK and all SUBACKs have come
    virtual void ended(Ended&&) noexcept = 0;          // once at most; before or after connected()
    virtual void received(Incoming&&) noexcept = 0;
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
  Sent send(const Target& target, std::string_view payload, Inflight::Slot* slot, int qos);

 private:
  struct Callbacks;  // what Paho calls
  struct Asked {
    Connection* connection;
    std::string filter;
  };
  void connect_to(const std::string& address);
  void subscribe();
  void end_connecting(int code, const char* message);
  void end(std::string text, bool by_server, bool unexplained = false);
  void up();

  const Options options_;
  Events& events_;
  const uint32_t attempt_;
  const bool v5_;
  std::string address_;       // numeric; set by open()
  std::string tls_error_;     // OpenSSL's words; under Paho's lock
  Connected facts_;           // under Paho's lock until connected()
  std::vector<Asked> asked_;  // under Paho's lock
  size_t unanswered_ = 0;     // under Paho's lock
  void* handle_ = nullptr;    // MQTTAsync
  std::atomic<bool> ended_{false};
};

// Holds a Paho client that never connects: destroying the last one stops Paho's two threads, which takes up to a second
// and races with the next connect. Blocks like open().
class Keeper {
 public:
  explicit Keeper(const std::string& client_id);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper();

 private:
  void* handle_ = nullptr;
};

}  // namespace mqtt
