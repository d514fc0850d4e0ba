#include <MQTTAsync.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <dtu/kit/mqtt/topic.hpp>
#include <dtu/sdk/text.hpp>
#include <mqtt/connect_options.hpp>
#include <mqtt/connection.hpp>
#include <mqtt/diagnosis.hpp>
#include <mqtt/resolve.hpp>
#include <mqtt/words.hpp>
#include <utility>

namespace mqtt {
namespace {

// Reasons of a DISCONNECT that speak of what the client sent, and not of the server or of another client.
bool is_of_a_message(int reason) {
  constexpr std::array<int, 10> reasons{0x80, 0x81, 0x82, 0x83, 0x87, 0x90, 0x95, 0x99, 0x9A, 0x9B};
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

}  // namespace

// Paho calls these with its lock held. No exception may pass through its C code, hence noexcept.
struct Connection::Callbacks {
  static Connection& of(void* context) { return *static_cast<Connection*>(context); }

  // --- connecting
  static void connected(void* context, MQTTAsync_successData* data) noexcept {
    of(context).facts_.session_present = data->alt.connect.sessionPresent != 0;
    of(context).subscribe();
  }
  static void connected5(void* context, MQTTAsync_successData5* data) noexcept {
    Connection& self = of(context);
    const auto number = [data](MQTTPropertyCodes code, uint32_t otherwise) {
      if (MQTTProperties_hasProperty(&data->properties, code) == 0) return otherwise;
      return static_cast<uint32_t>(MQTTProperties_getNumericValue(&data->properties, code));
    };
    self.facts_.receive_maximum = number(MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, 65535);
    self.facts_.largest_packet = number(MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, 0);
    self.facts_.largest_qos = static_cast<int>(number(MQTTPROPERTY_CODE_MAXIMUM_QOS, 2));
    self.facts_.retains = number(MQTTPROPERTY_CODE_RETAIN_AVAILABLE, 1) != 0;
    self.facts_.session_present = data->alt.connect.sessionPresent != 0;
    self.subscribe();
  }
  static void not_connected(void* context, MQTTAsync_failureData* data) noexcept {
    of(context).end_connecting(data->code, data->message);
  }
  static void not_connected5(void* context, MQTTAsync_failureData5* data) noexcept {
    const bool refused = data->reasonCode >= 0x80;
    of(context).end_connecting(refused ? data->reasonCode : data->code, data->message);
  }
  static int tls_error(const char* text, size_t length, void* context) noexcept {
    std::string& all = of(context).tls_error_;
    if (all.size() < 1024) all.append(text, length);
    return 1;
  }

  // --- subscribing: one filter a packet, because for several Paho's answer does not tell how many codes came
  static void granted(void* context, int code) {
    const auto& asked = *static_cast<Asked*>(context);
    Connection& self = *asked.connection;
    if (asked.ticket != 0) return self.events_.answered(asked.ticket, code);
    if (code >= 0x80)
      self.facts_.refused.push_back(asked.filter + ": " + (self.v5_ ? reason_words(code) : "the broker refused it"));
    if (--self.unanswered_ == 0) self.up();
  }
  static void subscribed(void* context, MQTTAsync_successData* data) noexcept { granted(context, data->alt.qos); }
  static void subscribed5(void* context, MQTTAsync_successData5* data) noexcept { granted(context, data->reasonCode); }
  // Below 0x80 the connection broke: connectionLost tells.
  static void not_subscribed(void* context, MQTTAsync_failureData* data) noexcept {
    if (data->code >= 0x80) granted(context, data->code);
  }
  static void not_subscribed5(void* context, MQTTAsync_failureData5* data) noexcept {
    if (data->reasonCode >= 0x80) granted(context, data->reasonCode);
  }

  static void unsubscribed(void* context, MQTTAsync_successData* /*data*/) noexcept { granted(context, 0); }

  // --- connected
  static void lost(void* context, char* /*cause*/) noexcept { of(context).end_lost(); }
  static void disconnected(void* context, MQTTProperties* /*properties*/, enum MQTTReasonCodes reason) noexcept {
    of(context).end_by_peer("the broker ended the connection: " + reason_words(reason), is_of_a_message(reason));
  }
  static int arrived(void* context, char* topic, int topic_length, MQTTAsync_message* message) noexcept {
    Incoming in;
    in.topic_memory.reset(topic);
    in.topic = {topic, topic_length > 0 ? static_cast<size_t>(topic_length) : std::strlen(topic)};
    in.payload_memory.reset(std::exchange(message->payload, nullptr));
    in.payload = {static_cast<const char*>(in.payload_memory.get()), static_cast<size_t>(message->payloadlen)};
    in.qos = message->qos;
    in.retained = message->retained != 0;
    in.dup = message->dup != 0;
    MQTTAsync_freeMessage(&message);
    Connection& self = of(context);
    if (in.retained && !self.delivers_retained(in.topic))
      self.events_.retained_dropped(in);
    else
      self.events_.received(std::move(in));
    return 1;  // 0 would not push back: Paho acknowledges all the same and queues without a bound
  }

  // --- publishing; the context is the slot, which knows nobody: its ring is the session's
  static void published(void* context, MQTTAsync_successData* /*data*/) noexcept { delivered(context); }
  static void published5(void* context, MQTTAsync_successData5* /*data*/) noexcept { delivered(context); }
  static void delivered(void* context) {
    auto* slot = static_cast<Inflight::Slot*>(context);
    slot->connection->events_.delivered(slot);
  }
  static void not_published5(void* context, MQTTAsync_failureData5* data) noexcept {
    auto* slot = static_cast<Inflight::Slot*>(context);
    // Below 0x80 the connection broke; then the session gives all open tokens back in order.
    if (data->reasonCode >= 0x80) slot->connection->events_.refused(slot, data->reasonCode);
  }
};

Connection::Connection(Options options, Events& events, uint32_t attempt)
    : options_(std::move(options)),
      events_(events),
      attempt_(attempt),
      v5_(options_.version == Version::v5),
      filters_(options_.subscriptions) {}

Connection::~Connection() { close(); }

void Connection::open() {
  try {
    if (options_.tls.on) check_files(options_.tls);
    const std::vector<std::string> addresses = resolve(options_.host);
    if (addresses.empty()) return end(options_.host + " has no address", false);
    connect_to(addresses[attempt_ % addresses.size()]);
  } catch (const std::exception& e) {
    end(e.what(), false);
  }
}

void Connection::connect_to(const std::string& address) {
  address_ = address;
  // With TLS Paho must see the name: it checks the certificate against it. It then looks it up again, under its lock,
  // but just after we did. Without TLS it gets the address, and its lock is never held for a look-up.
  const std::string& host = options_.tls.on ? options_.host : address;
  const bool v6 = host.find(':') != std::string::npos;
  const std::string uri =
      (options_.tls.on ? "ssl://" : "tcp://") + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(options_.port);

  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
  create.MQTTVersion = v5_ ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
  create.sendWhileDisconnected = 0;
  create.maxBufferedMessages = static_cast<int>(options_.max_inflight + options_.max_unacknowledged) + 16;
  int rc = MQTTAsync_createWithOptions(&handle_, uri.c_str(), options_.client_id.c_str(), MQTTCLIENT_PERSISTENCE_NONE,
                                       nullptr, &create);
  if (rc != MQTTASYNC_SUCCESS) {
    handle_ = nullptr;
    return end("the MQTT library refused the client id or address (code " + std::to_string(rc) + ")", false);
  }
  MQTTAsync_setCallbacks(handle_, this, Callbacks::lost, Callbacks::arrived, nullptr);
  if (v5_) MQTTAsync_setDisconnected(handle_, this, Callbacks::disconnected);

  ConnectOptions connect(options_, uri);
  connect.tls().ssl_error_cb = Callbacks::tls_error;
  connect.tls().ssl_error_context = this;
  connect.raw().context = this;
  if (v5_) {
    connect.raw().onSuccess5 = Callbacks::connected5;
    connect.raw().onFailure5 = Callbacks::not_connected5;
  } else {
    connect.raw().onSuccess = Callbacks::connected;
    connect.raw().onFailure = Callbacks::not_connected;
  }
  rc = MQTTAsync_connect(handle_, &connect.raw());
  if (rc != MQTTASYNC_SUCCESS) end("the MQTT library cannot connect (code " + std::to_string(rc) + ")", false, true);
}

void Connection::end_connecting(int code, const char* message) {
  const bool answered = message != nullptr && std::strstr(message, "CONNACK") != nullptr;
  const bool login = code == 4 || code == 5 || code == 0x86 || code == 0x87;
  const std::string hint = login && !options_.login_hint.empty() ? ": " + options_.login_hint : "";
  if (answered && code > 0 && code < 0x80) return end("the broker " + connack_words(code) + hint, false);
  if (answered && code >= 0x80) {
    if (ended_.exchange(true)) return;
    Ended why{"the broker refused the connection: " + reason_words(code) + hint};
    why.refusal = code;
    return events_.ended(std::move(why));
  }
  std::string text = "the connection broke before the broker answered";
  if (!tls_error_.empty()) text += " (" + tls_error_.substr(0, tls_error_.find('\n')) + ")";
  end(std::move(text), false, true);
}

void Connection::subscribe() {
  watch_.find(address_, options_.port);
  const size_t n = options_.subscriptions.size();
  if (n == 0) return up();
  unanswered_ = n;
  asked_.reserve(n);  // Paho holds pointers to its elements
  for (const Subscription& s : options_.subscriptions) {
    asked_.push_back({this, s.filter, 0});
    const int rc = request(asked_.back(), s, false);
    if (rc != MQTTASYNC_SUCCESS)
      return end("the MQTT library cannot subscribe to " + s.filter + " (code " + std::to_string(rc) + ")", false);
  }
}

int Connection::request(Asked& asked, const Subscription& what, bool remove) {
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  response.context = &asked;
  if (v5_) {
    response.onSuccess5 = Callbacks::subscribed5;
    response.onFailure5 = Callbacks::not_subscribed5;
  } else {
    response.onSuccess = remove ? Callbacks::unsubscribed : Callbacks::subscribed;
    response.onFailure = Callbacks::not_subscribed;
  }
  return remove ? MQTTAsync_unsubscribe(handle_, what.filter.c_str(), &response)
                : MQTTAsync_subscribe(handle_, what.filter.c_str(), what.qos, &response);
}

bool Connection::ask(uint64_t ticket, const Subscription& what, bool remove) {
  {
    const Lock lock(filters_mutex_);
    filters_.erase(std::remove_if(filters_.begin(), filters_.end(),
                                  [&](const Subscription& s) { return s.filter == what.filter; }),
                   filters_.end());
    if (!remove) filters_.push_back(what);
  }
  auto& asked = tickets_[ticket] = std::make_unique<Asked>(Asked{this, what.filter, ticket});
  return request(*asked, what, remove) == MQTTASYNC_SUCCESS;
}

void Connection::up() { events_.connected(std::move(facts_)); }

void Connection::end(std::string text, bool by_server, bool unexplained) {
  if (!ended_.exchange(true)) events_.ended({std::move(text), by_server, unexplained});
}

// Paho says the same of a broker that closed, of one that did not answer the ping, and of a packet it could not read.
void Connection::end_lost() {
  constexpr uint32_t kSlackMs = 500;
  constexpr uint64_t kGoodbye = 4096;  // bytes that Paho and TLS send at the end, at most
  const SocketWatch::End how = watch_.end();
  const std::string seconds = std::to_string(options_.keep_alive_s) + " s";
  // Paho reads to the end, unless it has no memory for a packet.
  if (how.by != SocketWatch::By::us && how.unread == 0) return end_by_peer("the broker closed the connection", true);
  if (how.silent_ms + kSlackMs >= uint64_t{options_.keep_alive_s} * 1000)
    return end("the broker sent nothing for " + seconds + ": the keep-alive timed out", false);
  if (how.open > kGoodbye)
    return end("the broker took no more data: the keep-alive of " + seconds + " timed out", false);
  if (ended_.exchange(true)) return;
  Ended why{"a received packet could not be read: it breaks the protocol, or is larger than the memory that is left"};
  why.unreadable = true;
  events_.ended(std::move(why));
}

void Connection::end_by_peer(std::string text, bool of_a_message) {
  if (ended_.exchange(true)) return;
  Ended why{std::move(text), true};
  why.of_a_message = of_a_message;
  events_.ended(std::move(why));
}

bool Connection::delivers_retained(std::string_view topic) {
  const Lock lock(filters_mutex_);
  return std::any_of(filters_.begin(), filters_.end(),
                     [topic](const Subscription& s) { return s.deliver_retained && matches(s.filter, topic); });
}

Connection::Sent Connection::send(const std::string& topic, std::string_view payload, Inflight::Slot* slot,
                                  bool retain) {
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  slot->connection = this;
  response.context = slot;
  if (v5_) {
    response.onSuccess5 = Callbacks::published5;
    response.onFailure5 = Callbacks::not_published5;
  } else {
    response.onSuccess = Callbacks::published;
  }
  switch (MQTTAsync_send(handle_, topic.c_str(), static_cast<int>(payload.size()), payload.data(), slot->qos,
                         retain ? 1 : 0, &response)) {
    case MQTTASYNC_SUCCESS:
      return Sent::taken;
    case MQTTASYNC_BAD_UTF8_STRING:
    case MQTTASYNC_BAD_QOS:
      return Sent::impossible;
    default:  // disconnected; or out of identifiers or of memory, which our window does not let happen
      return Sent::gone;
  }
}

void Connection::close() {
  ended_ = true;
  if (handle_ != nullptr) MQTTAsync_destroy(&handle_);
  handle_ = nullptr;
  watch_.close();
}

std::string Connection::explain() { return address_.empty() ? std::string() : diagnose(options_, address_); }

}  // namespace mqtt
