#include <dtu/channel.h>

#include <algorithm>
#include <dtu/kit/mqtt/session.hpp>
#include <mqtt/words.hpp>
#include <utility>

namespace mqtt {
namespace {

constexpr int64_t kHeldNs = 30'000'000'000;      // a connection that lasted so long, or carried something, starts the
                                                 // back-off anew
constexpr int64_t kLogEveryNs = 10'000'000'000;  // for messages that may come for each publish
constexpr uint32_t kStopGraceMs = 1'000;
constexpr int64_t kSteadyNs = 200'000'000;  // states that change more often are not reported one by one
constexpr uint32_t kSuspicious = 3;         // connections in a row that the broker ended soon
constexpr uint32_t kShortLivedWaitMs = 25;  // doubled for each connection in a row that did not last
constexpr uint32_t kFirstAckMs = 2, kSlowestAckMs = 500, kSlowestWakeMs = 50;
constexpr size_t kMostTopicsSaid = 64;
constexpr int kNoRetain = 0x9A, kNoSuchQos = 0x9B;
constexpr uint32_t kSendFailed = 5007;  // status code of the DTU protocol

// Paho keeps the state of QoS 2 in memory and we drop its client with each connection, so in a session that outlives
// the connection exactly-once cannot be kept: a reused packet identifier could even lose a message. QoS 1 loses none.
Options settled(Options options) {
  if (!options.clean_session)
    for (Subscription& s : options.subscriptions) s.qos = std::min(s.qos, 1);
  return options;
}

// What a PUBACK or PUBREC with this reason says of the message.
enum class Refusal {
  never,      // it will never be taken
  may_pass,   // nothing, and the connection is no use for now: rate, quota, an identifier that is still in use
  may_other,  // perhaps nothing: an access list that an admin mends, a backend that is down
};

Refusal meaning(int reason) {
  switch (reason) {
    case 0x91:
    case 0x96:
    case 0x97:
      return Refusal::may_pass;
    case 0x80:
    case 0x83:
    case 0x87:
      return Refusal::may_other;
    default:
      return Refusal::never;
  }
}

uint64_t packet_size(const std::string& topic, int qos, uint64_t payload) {  // MQTT 5, with an empty property list
  const uint64_t rest = 2 + topic.size() + (qos > 0 ? 2 : 0) + 1 + payload;
  const uint64_t length_bytes = rest < 128 ? 1 : rest < 16384 ? 2 : rest < 2097152 ? 3 : 4;
  return 1 + length_bytes + rest;
}

}  // namespace

Session::Session(dtu::Host host, Options options, Handler& handler)
    : host_(host),
      options_(settled(std::move(options))),
      handler_(handler),
      post_(host.need<dtu_post_service>(DTU_POST_SERVICE)),
      timer_(host, [this] { on_timer(); }),
      wake_timer_(host, [this] { on_wake_timer(); }),
      ack_timer_(host, [this] { on_ack_timer(); }),
      counters_(host),
      inflight_(options_.max_inflight, options_.max_inflight_bytes, options_.max_unacknowledged),
      inbox_(options_.inbox_messages, options_.inbox_bytes),
      random_(std::random_device{}()) {}

Session::~Session() {
  worker_.join();
  connection_.reset();  // after this no callback comes
  paho_.reset();
}

// ---------------------------------------------------------------- life

void Session::start(std::string client_id) {
  options_.client_id = std::move(client_id);
  counters_.start();
  open();
}

dtu_status Session::stop(uint32_t deadline_ms) {
  if (state_ == State::idle || state_ == State::stopped) return DTU_OK;
  stopping_ = true;
  timer_.disarm();
  if (state_ == State::up && inflight_.count() > 0 && deadline_ms > 0) {
    timer_.arm_ms(std::min(kStopGraceMs, deadline_ms / 2));
    draining_ = true;
    if (inflight_.count() == 0) wake();
    return DTU_PENDING;
  }
  if (state_ != State::closing) begin_close({"stopped", false, false});
  return DTU_PENDING;
}

void Session::open() {
  try {
    handler_.prepare(options_);
  } catch (const dtu::Failure& f) {
    host_.error(f.what());  // and try with what we have: the broker decides
  }
  state_ = State::opening;
  facts_ = {};
  Connection::Events& events = *this;
  connection_ = std::make_unique<Connection>(options_, events, address_++);
  // A state that lasts a moment is no news: the one before stands.
  if (down_since_ns_ == 0 || host_.monotonic_ns() - down_since_ns_ > kSteadyNs) host_.report(DTU_STATE_CONNECTING);
  timer_.arm_ms(options_.connect_timeout_ms);
  wake_delay_ms_ = 1;
  run_job([this, connection = connection_.get(), mend = std::exchange(mend_, false)] {
    if (!paho_)
      paho_ = std::make_unique<PahoThreads>(options_.client_id);
    else if (mend)
      paho_->renew();
    else
      paho_->repair();
    connection->open();
    return std::string();
  });
}

// Until the broker has answered: Paho does not notice by itself that a connection was made.
void Session::on_wake_timer() {
  if (state_ != State::opening || worker_.busy() || !paho_) return;
  paho_->wake();
  wake_timer_.arm_ms(wake_delay_ms_);
  wake_delay_ms_ = std::min(wake_delay_ms_ * 2, kSlowestWakeMs);
}

void Session::became_up(Connected&& facts) {
  timer_.disarm();
  wake_timer_.disarm();
  facts_ = std::move(facts);
  state_ = State::up;
  carried_ = false;
  up_since_ns_ = host_.monotonic_ns();
  if (address_ > 1) counters_.add(Count::reconnects);
  const bool flaps = short_lived_ >= kSuspicious;
  if (!flaps) last_logged_.clear();
  host_.log(flaps ? DTU_LOG_DEBUG : DTU_LOG_INFO, "connected to " + broker_name(options_) + " as " +
                                                      options_.client_id +
                                                      (facts_.session_present ? ", the broker kept the session" : ""));
  if (options_.tls.on && !options_.tls.verify)
    host_.warn("Certificate checking is off (tls.verify is false): the identity of " + broker_name(options_) +
               " is not verified");
  if (!connection_->watch().found() && !std::exchange(said_unwatched_, true))
    host_.warn("the connection cannot be watched: messages of QoS 0 count as delivered when the socket took them");
  use_limits();
  publish_birth();
  if (facts_.refused.empty()) return host_.report(DTU_STATE_UP);
  std::string text = "not subscribed to " + facts_.refused.front();
  for (size_t i = 1; i < facts_.refused.size(); ++i) text += "; " + facts_.refused[i];
  why_ = {text, false, false};
  host_.warn(text);
  report_trouble(DTU_STATE_DEGRADED, text);
}

// What an MQTT 5 broker says it cannot do is not asked of it.
void Session::use_limits() {
  inflight_.limit(facts_.receive_maximum);
  if (facts_.largest_qos < 2 && !std::exchange(said_qos_, true))
    host_.info("the broker takes QoS " + std::to_string(facts_.largest_qos) +
               " at most: messages with a higher QoS are published with that");
  if (!facts_.retains && !std::exchange(said_retain_, true))
    host_.info("the broker does not retain messages: they are published without retain");
}

void Session::publish_birth() {
  const FixedMessage& birth = options_.birth;
  if (birth.topic.empty()) return;
  Inflight::Slot* slot = inflight_.take(0, birth.payload.size(), usable_qos(birth.qos));
  if (slot == nullptr) return;  // cannot be: nothing else is in flight
  if (hand_over(birth.topic, birth.payload, slot, birth.retain) == Connection::Sent::taken) return;
  inflight_.give_back(slot);
  host_.warn("the birth message to " + birth.topic + " was not sent");
}

void Session::begin_close(Ended why) {
  if (state_ == State::up) {
    const int64_t lived_ns = host_.monotonic_ns() - up_since_ns_;
    const bool held = lived_ns > kHeldNs;
    if (held || carried_) attempt_ = 0;
    // The host looks for the message that the broker never takes, and makes the pauses. For half of the time there is a
    // connection: the wait is no longer than this one lived.
    if (why.of_a_message && inflight_.count() != 0)
      while (attempt_ != 0 && (int64_t{options_.reconnect_min_ms} << std::min(attempt_, 16U)) * 1'000'000 > lived_ns)
        --attempt_;
    short_lived_ = held ? 0 : short_lived_ + 1;
    if (why.by_server && short_lived_ >= kSuspicious)
      why.text += "; several connections in a row ended soon: another client may use the client id \"" +
                  options_.client_id + "\", or the broker does not take a message";
  }
  timer_.disarm();
  wake_timer_.disarm();
  ack_timer_.disarm();
  state_ = State::closing;
  why_ = std::move(why);
  closing_started_ = false;
  if (!worker_.busy()) start_close();
}

void Session::start_close() {
  closing_started_ = true;
  run_job([this, connection = connection_.get(), explain = why_.unexplained && !stopping_, last = stopping_] {
    if (connection != nullptr) connection->close();
    if (last) paho_.reset();
    return explain && connection != nullptr ? connection->explain() : std::string();
  });
}

void Session::closed(const std::string& explanation) {
  connection_.reset();
  // The host finds the message that the broker never takes.
  const dtu_status status = why_.of_a_message ? DTU_E_REFUSED : DTU_E_CLOSED;
  inflight_.sweep([this, status](uint64_t token) { complete(token, status); });
  unacknowledged_.clear();
  marked_ = 0;
  draining_ = false;
  if (stopping_) {
    if (paho_) return start_close();  // stop() came while the connection was being closed
    if (const size_t left = inbox_.count(); left > 0) {
      counters_.add(Count::downlink_dropped, left);
      host_.warn("stopped with " + std::to_string(left) + " received " + (left == 1 ? "message" : "messages") +
                 " not taken");
    }
    state_ = State::stopped;
    return host_.report(DTU_STATE_STOPPED);
  }
  if (!explanation.empty()) why_.text = explanation;
  mend_ = why_.unreadable || (why_.unexplained && explanation.empty());
  lower_will();
  down_since_ns_ = host_.monotonic_ns();
  const std::string text = broker_name(options_) + ": " + why_.text;
  host_.log(text == last_logged_ ? DTU_LOG_DEBUG : DTU_LOG_WARNING, text);
  last_logged_ = text;
  report_trouble(DTU_STATE_DOWN, text);
  if (overflow_) {
    state_ = State::paused;
    return deliver();
  }
  state_ = State::waiting;
  timer_.arm_ms(back_off_ms());
}

// A broker that cannot do what the will asks for refuses the connection.
void Session::lower_will() {
  if (why_.refusal == kNoRetain && options_.will.retain) {
    options_.will.retain = false;
    host_.warn("the broker does not retain messages: the will is sent without retain");
  }
  if (why_.refusal == kNoSuchQos && options_.will.qos > 0) {
    --options_.will.qos;
    host_.warn("the broker refuses the QoS of the will: QoS " + std::to_string(options_.will.qos) + " is used");
  }
}

void Session::report_trouble(int32_t state, const std::string& text) {
  const uint32_t code = why_.in_sending ? kSendFailed : options_.status_code;
  const dtu_error error = dtu::make_error(DTU_E_IO, text, DTU_ERR_RETRYABLE | DTU_ERR_CODE(code));
  dtu_report(host_.raw(), host_.instance(), 0, state, &error);
}

uint32_t Session::back_off_ms() {
  const uint64_t base =
      std::min<uint64_t>(options_.reconnect_max_ms, uint64_t{options_.reconnect_min_ms} << std::min(attempt_, 16U));
  ++attempt_;
  const auto wait = static_cast<uint32_t>(std::uniform_int_distribution<uint64_t>(base / 2, base)(random_));
  if (short_lived_ == 0) return wait;
  // A broker may confirm one message and close: never faster than min_ms.
  if (carried_) return wait + options_.reconnect_min_ms / 2;
  // Connections that are made and lost again and again and carry nothing help nobody, whatever max_ms says.
  return std::max(wait, short_lived_ < 2 ? 0 : kShortLivedWaitMs << std::min(short_lived_, 5U));
}

void Session::on_timer() {
  if (state_ == State::waiting) return open();
  if (state_ == State::opening)
    begin_close({"no answer within " + std::to_string(options_.connect_timeout_ms / 1000) + " s", false, true});
  else if (state_ == State::up && stopping_)
    begin_close({"stopped", false, false});
}

// ---------------------------------------------------------------- between the threads

void Session::run_job(std::function<std::string()> job) {
  worker_.run([this, job = std::move(job)] {
    std::string explanation = job();
    {
      const Lock lock(mutex_);
      mail_.job_done = true;
      mail_.explanation = std::move(explanation);
    }
    wake();
  });
}

void Session::wake() noexcept {
  if (posted_.exchange(true)) return;
  const auto run = [](void* self) { static_cast<Session*>(self)->drain(); };
  dtu_post(&post_, host_.instance(), run, this);
}

void Session::drain() {
  posted_ = false;
  Mail mail;
  {
    const Lock lock(mutex_);
    mail = std::exchange(mail_, Mail{});
  }
  const bool was_closing = state_ == State::closing;
  if (mail.job_done) worker_.join();
  if (mail.job_done && state_ == State::opening) on_wake_timer();
  if (mail.connected && state_ == State::opening) became_up(std::move(*mail.connected));
  if (mail.ended && (state_ == State::opening || state_ == State::up)) begin_close(std::move(*mail.ended));
  if (mail.job_done && was_closing) {
    if (closing_started_)
      closed(mail.explanation);
    else
      start_close();
  }
  deliver();
  settle();
  end_if_drained();
}

void Session::end_if_drained() {
  if (draining_ && state_ == State::up && inflight_.count() == 0) begin_close({"stopped", false, false});
}

void Session::deliver() {
  while (const Incoming* message = inbox_.front()) {
    if (!handler_.deliver(*message)) break;
    inbox_.pop();
  }
  if (state_ != State::paused || !inbox_.half_empty() || stopping_) return;
  overflow_ = false;
  open();
}

void Session::connected(Connected&& facts) noexcept {
  {
    const Lock lock(mutex_);
    mail_.connected = std::move(facts);
  }
  wake();
}

void Session::ended(Ended&& why) noexcept {
  {
    const Lock lock(mutex_);
    if (!mail_.ended) mail_.ended = std::move(why);
  }
  wake();
}

void Session::received(Incoming&& message) noexcept {
  counters_.add(Count::received);
  if (message.payload.size() > DTU_PAYLOAD_MAX) {
    counters_.add(Count::downlink_dropped);
    if (said_too_large_.exchange(true)) return;
    return host_.warn("a message of " + std::to_string(message.payload.size()) + " bytes on " +
                      std::string(message.topic) +
                      " is larger than 1 MiB and was dropped; further ones are counted in " + "mqtt_downlink_dropped");
  }
  const Inbox::Put put = inbox_.put(std::move(message));
  if (put == Inbox::Put::dropped) {
    counters_.add(Count::downlink_dropped);
    if (log_now(downlink_quiet_until_ns_))
      host_.warn("messages come faster than the port takes them: those of QoS 0 are dropped and counted in " +
                 std::string("mqtt_downlink_dropped"));
    return;
  }
  // Paho acknowledges by itself and cannot be slowed down. Without a connection the broker keeps the rest.
  if (put == Inbox::Put::over && !overflow_.exchange(true)) {
    counters_.add(Count::downlink_overflows);
    return ended(
        {std::string("messages come faster than the port takes them: disconnected until the port caught up; ") +
             (options_.clean_session ? "messages that come meanwhile are lost (cleanSession is true)"
                                     : "the broker keeps what comes meanwhile"),
         false, false});
  }
  wake();
}

void Session::retained_dropped(const Incoming& message) noexcept {
  counters_.add(Count::retained_dropped);
  {
    const Lock lock(mutex_);
    if (retained_said_.size() >= kMostTopicsSaid || !retained_said_.emplace(message.topic).second) return;
  }
  host_.info("a retained message on " + std::string(message.topic) +
             " was dropped: it was sent before this connection was made (\"retained\": \"deliver\" in the " +
             "subscription delivers such messages as data)");
}

// ---------------------------------------------------------------- uplink

Session::Sent Session::publish(const Target& target, const dtu_msg& message) {
  if (state_ != State::up || stopping_) return Sent::gone;
  const std::string_view payload = dtu::view(message.payload);
  const int qos = usable_qos(target.qos);
  if (facts_.largest_packet > 0 && packet_size(target.topic, qos, payload.size()) > facts_.largest_packet) {
    reject(message.token, "a message of " + std::to_string(payload.size()) +
                              " bytes is larger than the broker takes (" + std::to_string(facts_.largest_packet) +
                              " bytes a packet)");
    return Sent::taken;
  }
  Inflight::Slot* slot = inflight_.take(message.token, payload.size(), qos);
  if (slot == nullptr && !unacknowledged_.empty()) {
    settle();
    slot = inflight_.take(message.token, payload.size(), qos);
  }
  if (slot == nullptr) return Sent::full;
  // Answers and events are of the moment: who subscribes later must not get them.
  const bool retain = target.retain && (message.flags & DTU_MSG_COMMAND) == 0;
  switch (hand_over(target.topic, payload, slot, retain)) {
    case Connection::Sent::taken:
      return Sent::taken;
    case Connection::Sent::impossible:
      inflight_.give_back(slot);
      reject(message.token, "the topic \"" + target.topic + "\" cannot be published to");
      return Sent::taken;
    case Connection::Sent::gone:
      break;
  }
  inflight_.give_back(slot);
  // Paho may not have noticed, and nothing more is sent until report(UP)
  ended({"the connection broke", false, false, true});
  return Sent::gone;
}

int Session::usable_qos(int qos) const { return std::min({qos, options_.clean_session ? 2 : 1, facts_.largest_qos}); }

Connection::Sent Session::hand_over(const std::string& topic, std::string_view payload, Inflight::Slot* slot,
                                    bool retain) {
  const bool watched = slot->qos == 0 && connection_->watch().found();
  if (watched) unacknowledged_.push_back(slot);
  const Connection::Sent sent = connection_->send(topic, payload, slot, retain && facts_.retains);
  if (sent == Connection::Sent::taken)
    counters_.add(Count::publishes);
  else if (watched)
    unacknowledged_.pop_back();
  return sent;
}

void Session::delivered(Inflight::Slot* slot) noexcept {
  if (slot->qos == 0 && slot->connection->watch().found()) {
    slot->written = true;
    return wake();
  }
  const uint64_t token = slot->token;
  if (slot->qos > 0) {
    counters_.add(Count::acks);
    if (token != 0) carried_ = true;  // the birth message is none: a broker may take that one only
  }
  const Inflight::Done done = inflight_.done(slot);
  complete(token, DTU_OK);
  if (done.room) host_.writable();
  if (done.empty && draining_) wake();
}

// QoS 0: what the socket took is delivered when the peer's TCP has acknowledged it. In a silent outage it never does,
// and the message is sent again after the next connect.
void Session::settle() {
  if (state_ != State::up) return;
  while (!unacknowledged_.empty()) {
    if (marked_ == 0) {
      while (marked_ < unacknowledged_.size() && unacknowledged_[marked_]->written) ++marked_;
      if (marked_ == 0) return;  // the socket is full: Paho tells
      connection_->watch().mark();
      ack_delay_ms_ = kFirstAckMs;
    }
    if (!connection_->watch().marked_acknowledged()) {
      ack_timer_.arm_ms(ack_delay_ms_);
      return;
    }
    bool room = false;
    for (; marked_ > 0; --marked_) {
      Inflight::Slot* slot = unacknowledged_.front();
      unacknowledged_.pop_front();
      const uint64_t token = slot->token;
      room = inflight_.done(slot).room || room;
      complete(token, DTU_OK);
    }
    if (room) host_.writable();
  }
}

void Session::on_ack_timer() {
  ack_delay_ms_ = std::min(ack_delay_ms_ * 2, kSlowestAckMs);
  settle();
  end_if_drained();
}

void Session::refused(Inflight::Slot* slot, int reason) noexcept {
  const std::string what =
      "the broker refused a message of " + std::to_string(slot->bytes) + " bytes: " + reason_words(reason);
  const Refusal refusal = meaning(reason);
  if (refusal == Refusal::may_pass) return ended({what, false, false, true});  // sent again after the next connect
  const uint64_t token = slot->token;
  const Inflight::Done done = inflight_.done(slot);
  if (refusal == Refusal::never) {
    reject(token, what);
  } else {
    counters_.add(Count::refused);
    if (log_now(quiet_until_ns_)) host_.warn(what + "; further ones are counted in mqtt_refused");
    complete(token, DTU_E_REFUSED);  // the host finds out whether the broker takes others
  }
  if (done.room) host_.writable();
  if (done.empty && draining_) wake();
}

void Session::complete(uint64_t token, dtu_status status) noexcept {
  if (token != 0) host_.complete(token, status);  // 0: nobody wants to know
}

void Session::reject(uint64_t token, std::string_view why) {
  counters_.add(Count::rejected);
  if (log_now(quiet_until_ns_)) host_.warn(std::string(why) + "; further ones are counted in mqtt_rejected");
  complete(token, DTU_E_INVALID);
}

bool Session::log_now(std::atomic<int64_t>& quiet_until_ns) const {
  const int64_t now = host_.monotonic_ns();
  int64_t quiet = quiet_until_ns;
  return now >= quiet && quiet_until_ns.compare_exchange_strong(quiet, now + kLogEveryNs);
}

Session::Status Session::status() {
  Status s{-1,
           why_.text,
           options_.client_id,
           broker_name(options_),
           facts_.session_present,
           inflight_.count(),
           inbox_.count()};
  if (state_ == State::up) s.state = 0;
  if (state_ == State::up && facts_.refused.empty()) s.text.clear();
  if (state_ == State::idle || state_ == State::opening) s.state = 1;
  if (state_ != State::up && state_ != State::opening && why_.by_server) s.state = 2;
  return s;
}

}  // namespace mqtt
