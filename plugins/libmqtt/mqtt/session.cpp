#include <algorithm>
#include <mqtt/session.hpp>
#include <mqtt/words.hpp>
#include <utility>

namespace mqtt {
namespace {

constexpr int64_t kHeldNs = 10'000'000'000;      // a connection that lasted so long starts the back-off anew
constexpr int64_t kLogEveryNs = 10'000'000'000;  // for messages that may come for each publish
constexpr uint32_t kStopGraceMs = 1'000;
constexpr int kQuotaExceeded = 0x97;
constexpr uint32_t kSendFailed = 5007;  // status code of the DTU protocol

// Paho keeps the state of QoS 2 in memory and we drop its client with each connection, so in a session that outlives
// the connection exactly-once cannot be kept: a reused packet identifier could even lose a message. QoS 1 loses none.
Options settled(Options options) {
  if (!options.clean_session)
    for (Subscription& s : options.subscriptions) s.qos = std::min(s.qos, 1);
  return options;
}

uint64_t packet_size(const Target& target, uint64_t payload) {  // MQTT 5, with an empty property list
  const uint64_t rest = 2 + target.topic.size() + (target.qos > 0 ? 2 : 0) + 1 + payload;
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
      counters_(host),
      inflight_(options_.max_inflight, options_.max_inflight_bytes),
      inbox_(options_.inbox_messages, options_.inbox_bytes),
      random_(std::random_device{}()) {}

Session::~Session() {
  worker_.join();
  connection_.reset();  // after this no callback comes
  keeper_.reset();
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
  host_.report(DTU_STATE_CONNECTING);
  timer_.arm_ms(options_.connect_timeout_ms);
  run_job([this, connection = connection_.get()] {
    if (!keeper_) keeper_ = std::make_unique<Keeper>(options_.client_id);
    connection->open();
    return std::string();
  });
}

void Session::became_up(Connected&& facts) {
  timer_.disarm();
  facts_ = std::move(facts);
  inflight_.limit(facts_.receive_maximum);
  state_ = State::up;
  up_since_ns_ = host_.monotonic_ns();
  if (address_ > 1) counters_.add(Count::reconnects);
  last_logged_.clear();
  host_.info("connected to " + broker_name(options_) + " as " + options_.client_id +
             (facts_.session_present ? ", the broker kept the session" : ""));
  if (options_.tls.on && !options_.tls.verify)
    host_.warn("tls.verify is false: whoever answers at " + broker_name(options_) + " is taken for the broker");
  if (facts_.refused.empty()) return host_.report(DTU_STATE_UP);
  std::string text = "not subscribed to " + facts_.refused.front();
  for (size_t i = 1; i < facts_.refused.size(); ++i) text += "; " + facts_.refused[i];
  why_ = {text, false, false};
  host_.warn(text);
  report_trouble(DTU_STATE_DEGRADED, text);
}

void Session::begin_close(Ended why) {
  if (state_ == State::up && host_.monotonic_ns() - up_since_ns_ > kHeldNs) attempt_ = 0;
  timer_.disarm();
  state_ = State::closing;
  why_ = std::move(why);
  closing_started_ = false;
  if (!worker_.busy()) start_close();
}

void Session::start_close() {
  closing_started_ = true;
  run_job([this, connection = connection_.get(), explain = why_.unexplained && !stopping_, last = stopping_] {
    if (connection != nullptr) connection->close();
    if (last) keeper_.reset();
    return explain && connection != nullptr ? connection->explain() : std::string();
  });
}

void Session::closed(const std::string& explanation) {
  connection_.reset();
  inflight_.sweep([this](uint64_t token) { complete(token, DTU_E_CLOSED); });
  draining_ = false;
  if (stopping_) {
    if (keeper_) return start_close();  // stop() came while the connection was being closed
    if (const size_t left = inbox_.count(); left > 0) {
      counters_.add(Count::downlink_dropped, left);
      host_.warn("stopped with " + std::to_string(left) + " received messages nobody took");
    }
    state_ = State::stopped;
    return host_.report(DTU_STATE_STOPPED);
  }
  if (!explanation.empty()) why_.text = explanation;
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

void Session::report_trouble(int32_t state, const std::string& text) {
  const uint32_t code = why_.in_sending ? kSendFailed : options_.status_code;
  const dtu_error error = dtu::make_error(DTU_E_IO, text, DTU_ERR_RETRYABLE | DTU_ERR_CODE(code));
  host_.raw()->report(host_.instance(), 0, state, &error);
}

uint32_t Session::back_off_ms() {
  const uint64_t base =
      std::min<uint64_t>(options_.reconnect_max_ms, uint64_t{options_.reconnect_min_ms} << std::min(attempt_, 16U));
  ++attempt_;
  return static_cast<uint32_t>(std::uniform_int_distribution<uint64_t>(base / 2, base)(random_));
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
  post_.post(host_.instance(), run, this);
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
  if (mail.connected && state_ == State::opening) became_up(std::move(*mail.connected));
  if (mail.ended && (state_ == State::opening || state_ == State::up)) begin_close(std::move(*mail.ended));
  if (mail.job_done && was_closing) {
    if (closing_started_)
      closed(mail.explanation);
    else
      start_close();
  }
  deliver();
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
  if (message.payload.size() > DTU_PAYLOAD_MAX) return counters_.add(Count::downlink_dropped);
  const Inbox::Put put = inbox_.put(std::move(message));
  if (put == Inbox::Put::dropped) return counters_.add(Count::downlink_dropped);
  // Paho acknowledges by itself and cannot be slowed down. Without a connection the broker keeps the rest.
  if (put == Inbox::Put::over && !overflow_.exchange(true))
    return ended({"the port takes messages slower than they come: disconnected until it caught up", false, false});
  wake();
}

// ---------------------------------------------------------------- uplink

Session::Sent Session::publish(const Target& target, const dtu_msg& message) {
  if (state_ != State::up || stopping_) return Sent::gone;
  const std::string_view payload = dtu::view(message.payload);
  if (facts_.largest_packet > 0 && packet_size(target, payload.size()) > facts_.largest_packet) {
    reject(message.token, "a message of " + std::to_string(payload.size()) +
                              " bytes is larger than the broker takes (" + std::to_string(facts_.largest_packet) +
                              " bytes a packet)");
    return Sent::taken;
  }
  Inflight::Slot* slot = inflight_.take(message.token, payload.size(), target.qos);
  if (slot == nullptr) return Sent::full;
  switch (connection_->send(target, payload, slot, options_.clean_session ? target.qos : std::min(target.qos, 1))) {
    case Connection::Sent::taken:
      counters_.add(Count::publishes);
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

void Session::delivered(Inflight::Slot* slot) noexcept {
  const uint64_t token = slot->token;
  if (slot->qos > 0) counters_.add(Count::acks);
  const Inflight::Done done = inflight_.done(slot);
  complete(token, DTU_OK);
  if (done.room) host_.writable();
  if (done.empty && draining_) wake();
}

void Session::refused(Inflight::Slot* slot, int reason) noexcept {
  if (reason == kQuotaExceeded)  // may be over later: reconnect with back-off and send it again
    return ended({"the broker refused a message: " + reason_words(reason), false, false, true});
  const uint64_t token = slot->token;
  const Inflight::Done done = inflight_.done(slot);
  reject(token, "the broker refused a message: " + reason_words(reason));
  if (done.room) host_.writable();
  if (done.empty && draining_) wake();
}

void Session::complete(uint64_t token, dtu_status status) noexcept {
  if (token != 0) host_.complete(token, status);  // 0: nobody wants to know
}

void Session::reject(uint64_t token, std::string_view why) {
  counters_.add(Count::rejected);
  const int64_t now = host_.monotonic_ns();
  int64_t quiet = quiet_until_ns_;
  if (now >= quiet && quiet_until_ns_.compare_exchange_strong(quiet, now + kLogEveryNs))
    host_.warn(std::string(why) + "; further ones are counted in mqtt_rejected");
  complete(token, DTU_E_INVALID);
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
