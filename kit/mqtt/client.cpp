#include <dtu/channel.h>

#include <algorithm>
#include <mqtt/client.hpp>
#include <mqtt/words.hpp>
#include <utility>

namespace mqtt {
namespace {

constexpr int64_t kHeldNs = 30'000'000'000;  // a connection that lasted so long is no short-lived one
constexpr uint32_t kStopGraceMs = 1'000;
constexpr int64_t kSteadyNs = 200'000'000;  // states that change more often are not reported one by one
constexpr uint32_t kSuspicious = 3;         // connections in a row that the broker ended soon
constexpr uint32_t kShortLivedWaitMs = 25;  // doubled for each connection in a row that did not last
constexpr uint32_t kSlowestWakeMs = 50;
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

}  // namespace

Client::Client(dtu::Host host, Options options, Handler& handler)
    : host_(host),
      options_(settled(std::move(options))),
      handler_(handler),
      post_(host.need<dtu_post_service>(DTU_POST_SERVICE)),
      timer_(host, [this] { on_timer(); }),
      wake_timer_(host, [this] { on_wake_timer(); }),
      ack_timer_(host, [this] { on_ack_timer(); }),
      answer_timer_(host, [this] { on_answer_timer(); }),
      counters_(host),
      inflight_(options_.max_inflight, options_.max_inflight_bytes, options_.max_unacknowledged),
      inbox_(options_.inbox_messages, options_.inbox_bytes),
      subscriptions_(options_.subscriptions),
      backoff_(options_.reconnect_min_ms, options_.reconnect_max_ms) {}

Client::~Client() {
  worker_.join();
  connection_.reset();  // after this no callback comes
  paho_.reset();
}

// ---------------------------------------------------------------- life

void Client::start() {
  counters_.start();
  open();
}

dtu_status Client::stop(uint32_t deadline_ms) {
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

void Client::open() {
  try {
    handler_.prepare(options_);
  } catch (const std::exception& e) {
    return wait(e.what());
  }
  state_ = State::opening;
  facts_ = {};
  asked_ = options_.subscriptions;
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
void Client::on_wake_timer() {
  if (state_ != State::opening || worker_.busy() || !paho_) return;
  paho_->wake();
  wake_timer_.arm_ms(wake_delay_ms_);
  wake_delay_ms_ = std::min(wake_delay_ms_ * 2, kSlowestWakeMs);
}

void Client::became_up(Connected&& facts) {
  timer_.disarm();
  wake_timer_.disarm();
  facts_ = std::move(facts);
  state_ = State::up;
  carried_ = false;
  up_since_ns_ = host_.monotonic_ns();
  backoff_.worked(up_since_ns_);
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
  catch_up();
  publish_birth();
  connected_ = true;
  guard([this] { handler_.connected(); });
  if (facts_.refused.empty()) return host_.report(DTU_STATE_UP);
  std::string text = "not subscribed to " + facts_.refused.front();
  for (size_t i = 1; i < facts_.refused.size(); ++i) text += "; " + facts_.refused[i];
  why_ = {text, false, false};
  host_.warn(text);
  report_trouble(DTU_STATE_DEGRADED, text);
}

// What an MQTT 5 broker says it cannot do is not asked of it.
void Client::use_limits() {
  inflight_.limit(facts_.receive_maximum);
  if (facts_.largest_qos < 2 && !std::exchange(said_qos_, true))
    host_.info("the broker takes QoS " + std::to_string(facts_.largest_qos) +
               " at most: messages with a higher QoS are published with that");
  if (!facts_.retains && !std::exchange(said_retain_, true))
    host_.info("the broker does not retain messages: they are published without retain");
}

void Client::publish_birth() {
  const FixedMessage& birth = options_.birth;
  if (birth.topic.empty()) return;
  Inflight::Slot* slot = inflight_.take(0, birth.payload.size(), usable_qos(birth.qos));
  if (slot == nullptr) return;  // cannot be: nothing else is in flight
  if (hand_over(birth.topic, birth.payload, slot, birth.retain) == Connection::Sent::taken) return;
  inflight_.give_back(slot);
  host_.warn("the birth message to " + birth.topic + " was not sent");
}

void Client::begin_close(Ended why) {
  if (state_ == State::up) {
    const int64_t lived_ns = host_.monotonic_ns() - up_since_ns_;
    const bool held = lived_ns > kHeldNs;
    // The host looks for the message that the broker never takes, and makes the pauses: that is use enough.
    if (carried_ || (why.of_a_message && inflight_.count() != 0)) backoff_.confirmed();
    short_lived_ = held ? 0 : short_lived_ + 1;
    if (why.by_server && short_lived_ >= kSuspicious)
      why.text += "; several connections in a row ended soon: another client may use the client id \"" +
                  options_.client_id + "\", or the broker does not take a message";
  }
  timer_.disarm();
  wake_timer_.disarm();
  ack_timer_.disarm();
  answer_timer_.disarm();
  state_ = State::closing;
  why_ = std::move(why);
  closing_started_ = false;
  if (!worker_.busy()) start_close();
}

void Client::start_close() {
  closing_started_ = true;
  run_job([this, connection = connection_.get(), explain = why_.unexplained && !stopping_, last = stopping_] {
    if (connection != nullptr) connection->close();
    if (last) paho_.reset();
    return explain && connection != nullptr ? connection->explain() : std::string();
  });
}

void Client::closed(const std::string& explanation) {
  connection_.reset();
  // The host finds the message that the broker never takes.
  const dtu_status status = why_.of_a_message ? DTU_E_REFUSED : DTU_E_CLOSED;
  inflight_.sweep([this, status](uint64_t token) { complete(token, status); });
  subscriptions_.all_failed("the connection ended before the broker answered");
  tell_subscribers();
  if (std::exchange(connected_, false)) guard([this] { handler_.disconnected(); });
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
  report_down();
  if (overflow_) {
    state_ = State::paused;
    return deliver();
  }
  state_ = State::waiting;
  timer_.arm_ms(back_off_ms());
}

// No attempt can be made now.
void Client::wait(std::string why) {
  why_ = {std::move(why), false, false};
  report_down();
  state_ = State::waiting;
  timer_.arm_ms(back_off_ms());
}

void Client::report_down() {
  down_since_ns_ = host_.monotonic_ns();
  const std::string text = broker_name(options_) + ": " + why_.text;
  host_.log(text == last_logged_ ? DTU_LOG_DEBUG : DTU_LOG_WARNING, text);
  last_logged_ = text;
  report_trouble(DTU_STATE_DOWN, text);
}

// A broker that cannot do what the will asks for refuses the connection.
void Client::lower_will() {
  if (why_.refusal == kNoRetain && options_.will.retain) {
    options_.will.retain = false;
    host_.warn("the broker does not retain messages: the will is sent without retain");
  }
  if (why_.refusal == kNoSuchQos && options_.will.qos > 0) {
    --options_.will.qos;
    host_.warn("the broker refuses the QoS of the will: QoS " + std::to_string(options_.will.qos) + " is used");
  }
}

void Client::report_trouble(int32_t state, const std::string& text) {
  const uint32_t code = why_.in_sending ? kSendFailed : options_.status_code;
  const dtu_error error = dtu::make_error(DTU_E_IO, text, DTU_ERR_RETRYABLE, code);
  dtu_report(host_.raw(), host_.instance(), 0, state, &error);
}

uint32_t Client::back_off_ms() {
  const uint32_t wait = backoff_.next(host_.monotonic_ns());
  if (short_lived_ == 0 || carried_) return wait;
  // Connections that are made and lost again and again and carry nothing help nobody, whatever max_ms says.
  return std::max(wait, short_lived_ < 2 ? 0 : kShortLivedWaitMs << std::min(short_lived_, 5U));
}

void Client::on_timer() {
  if (state_ == State::waiting) return open();
  if (state_ == State::opening)
    begin_close({"no answer within " + std::to_string(options_.connect_timeout_ms / 1000) + " s", false, true});
  else if (state_ == State::up && stopping_)
    begin_close({"stopped", false, false});
}

// ---------------------------------------------------------------- subscriptions of run time

void Client::subscribe(Subscription subscription, Session::Told told) {
  if (!options_.clean_session) subscription.qos = std::min(subscription.qos, 1);
  const Subscription wanted = subscription;
  if (const uint64_t ticket = subscriptions_.add(std::move(subscription), std::move(told)); ticket != 0)
    ask(ticket, wanted, false);
  if (subscriptions_.has_news()) wake();
}

void Client::unsubscribe(const std::string& filter, Session::Told told) {
  Subscription wanted;
  wanted.filter = filter;
  if (const uint64_t ticket = subscriptions_.remove(filter, std::move(told)); ticket != 0) ask(ticket, wanted, true);
  if (subscriptions_.has_news()) wake();
}

void Client::tell_subscribers() {
  for (const Subscriptions::News& news : subscriptions_.take_news())
    if (news.told)
      guard([&news] { news.told(news.outcome); });
    else if (news.outcome.status != DTU_OK && news.outcome.status != DTU_E_CLOSED)
      host_.warn("the subscription to " + news.outcome.filter + ": " + news.outcome.text);
}

// Runs what the plugin wrote: its faults must not stop the client.
void Client::guard(const std::function<void()>& body) noexcept {
  dtu_error error{};
  if (dtu::guarded(&error, [&] { return body(), DTU_OK; }) != DTU_OK) host_.error(error.message);
}

void Client::ask(uint64_t ticket, const Subscription& what, bool remove) {
  if (state_ != State::up) return subscriptions_.failed(ticket, "there is no connection");
  if (subscriptions_.pending() == 1) answer_timer_.arm_ms(options_.connect_timeout_ms);
  connection_->ask(ticket, what, remove);  // when the connection broke, ended() tells, and closed() says so
}

// What was subscribed to and given up since this connection was begun; and a session that the broker kept has filters
// that were given up before.
void Client::catch_up() {
  for (const Subscription& s : asked_)
    if (subscriptions_.find(s.filter) == nullptr) subscriptions_.forget(s.filter);
  for (const std::string& filter : subscriptions_.take_forgotten()) {
    Subscription gone;
    gone.filter = filter;
    if (subscriptions_.find(filter) == nullptr) ask(subscriptions_.again(filter, true), gone, true);
  }
  for (const Subscription& s : options_.subscriptions) {
    const auto same = [&s](const Subscription& a) { return a.filter == s.filter && a.qos == s.qos; };
    if (std::none_of(asked_.begin(), asked_.end(), same)) ask(subscriptions_.again(s.filter, false), s, false);
  }
}

void Client::on_answer_timer() {
  if (state_ == State::up && subscriptions_.pending() != 0)
    begin_close(
        {"the broker did not answer a SUBSCRIBE within " + std::to_string(options_.connect_timeout_ms / 1000) + " s",
         false, false});
}

// ---------------------------------------------------------------- between the threads

void Client::run_job(std::function<std::string()> job) {
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

void Client::wake() noexcept {
  if (posted_.exchange(true)) return;
  const auto run = [](void* self) noexcept {
    Client& client = *static_cast<Client*>(self);
    client.guard([&client] { client.drain(); });
  };
  dtu_post(&post_, host_.instance(), run, this);
}

void Client::drain() {
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
  for (const Answer& answer : mail.answers) {
    if (connection_) connection_->answered(answer.ticket);
    subscriptions_.answered(answer.ticket, answer.code,
                            options_.version == Version::v5 ? reason_words(answer.code) : "the broker refused it");
  }
  if (subscriptions_.pending() == 0)
    answer_timer_.disarm();
  else if (!mail.answers.empty())
    answer_timer_.arm_ms(options_.connect_timeout_ms);
  if (mail.ended && (state_ == State::opening || state_ == State::up)) begin_close(std::move(*mail.ended));
  if (mail.job_done && was_closing) {
    if (closing_started_)
      closed(mail.explanation);
    else
      start_close();
  }
  tell_subscribers();
  deliver();
  settle();
  end_if_drained();
}

void Client::end_if_drained() {
  if (draining_ && state_ == State::up && inflight_.count() == 0) begin_close({"stopped", false, false});
}

// What a handler cannot read is gone, or it would stand in front of everything else for ever.
bool Client::take(const Incoming& message) {
  try {
    return handler_.deliver(message);
  } catch (const std::exception& e) {
    counters_.add(Count::downlink_dropped);
    if (log_now(downlink_quiet_until_ns_))
      host_.warn("a message on " + std::string(message.topic) + " was dropped: " + e.what() +
                 "; further ones are counted in mqtt_downlink_dropped");
    return true;
  }
}

void Client::deliver() {
  while (const Incoming* message = inbox_.front()) {
    if (!take(*message)) break;
    inbox_.pop();
  }
  if (state_ != State::paused || !inbox_.half_empty() || stopping_) return;
  overflow_ = false;
  open();
}

void Client::connected(Connected&& facts) noexcept {
  {
    const Lock lock(mutex_);
    mail_.connected = std::move(facts);
  }
  wake();
}

void Client::ended(Ended&& why) noexcept {
  {
    const Lock lock(mutex_);
    if (!mail_.ended) mail_.ended = std::move(why);
  }
  wake();
}

void Client::answered(uint64_t ticket, int code) noexcept {
  {
    const Lock lock(mutex_);
    mail_.answers.push_back({ticket, code});
  }
  wake();
}

void Client::received(Incoming&& message) noexcept {
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

void Client::retained_dropped(const Incoming& message) noexcept {
  counters_.add(Count::retained_dropped);
  {
    const Lock lock(mutex_);
    if (retained_said_.size() >= kMostTopicsSaid || !retained_said_.emplace(message.topic).second) return;
  }
  host_.info("a retained message on " + std::string(message.topic) +
             " was dropped: it was sent before this connection was made (\"retained\": \"deliver\" in the " +
             "subscription delivers such messages as data)");
}

Session::Status Client::status() {
  Session::Status s{-1,
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
