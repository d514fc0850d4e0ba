#include <algorithm>
#include <array>
#include <dtu/kit/mqtt/channel.hpp>
#include <dtu/kit/mqtt/topic.hpp>
#include <utility>

namespace mqtt {
namespace {

constexpr uint32_t kSendFailed = 5007;  // status code of the DTU protocol

dtu::Failure not_sent(std::string why, dtu_status status = DTU_E_CLOSED) {
  return {status, std::move(why), DTU_ERR_RETRYABLE, kSendFailed};
}

}  // namespace

// ---------------------------------------------------------------- life

dtu_status Channel::start() {
  const Wanted needed = wanted();
  reading_ = true;
  values_.read(
      needed.values, [this](const dtu::PlaceholderValues& values) { values_are(values); }, needed.silent);
  return DTU_PENDING;
}

void Channel::values_are(const dtu::PlaceholderValues& values) {
  reading_ = false;
  try {
    plan_ = plan(values);
  } catch (const dtu::Failure& failure) {
    return host_.report(DTU_STATE_FAILED, failure.code(), failure.what());
  } catch (const std::exception& e) {
    return host_.report(DTU_STATE_FAILED, DTU_E_EXCEPTION, e.what());
  }
  Session::Handler& handler = *this;
  session_ = std::make_unique<Session>(host_, plan_.options, handler);
  session_->start();
}

dtu_status Channel::stop(uint32_t deadline_ms) {
  reading_ = false;
  values_.cancel();
  return session_ ? session_->stop(deadline_ms) : DTU_OK;
}

void Channel::writable(uint64_t /*source*/) {
  if (session_) session_->writable();
}

Session& Channel::need_session() {
  if (!session_) throw not_sent("the MQTT channel is not started");
  return *session_;
}

// ---------------------------------------------------------------- uplink

const Target* Channel::find_target(std::string_view route) const {
  if (route.empty()) return plan_.targets.empty() ? nullptr : &plan_.targets.front();
  for (const Target& target : plan_.targets)
    if (target.id == route) return &target;
  return nullptr;
}

dtu_status Channel::send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  *taken = 0;
  Session& session = need_session();
  for (; *taken < n; ++*taken) {
    const dtu_msg& message = msgs[*taken];
    const Target* target = find_target(dtu::view(message.route));
    if (target == nullptr) {
      session.reject(message.token,
                     message.route.len == 0
                         ? "there is no topic to publish to: set publish"
                         : "there is no topic id \"" + std::string(dtu::view(message.route)) + "\" in publish");
      continue;
    }
    switch (session.publish(*target, message)) {
      case Session::Sent::taken:
        break;
      case Session::Sent::full:
        return DTU_AGAIN;
      case Session::Sent::gone:
        throw not_sent("not connected to " + session.status().broker);
    }
  }
  return DTU_OK;
}

dtu_status Channel::flush(uint32_t /*deadline_ms*/) {
  return session_ && session_->in_flight() > 0 ? DTU_PENDING : DTU_OK;
}

void Channel::publish(const Target& target, std::string_view payload) {
  switch (Session& session = need_session(); session.publish(target, payload)) {
    case Session::Sent::taken:
      return;
    case Session::Sent::full:
      throw not_sent("too many messages wait for the broker already", DTU_AGAIN);
    case Session::Sent::gone:
      throw not_sent("not connected to " + session.status().broker);
  }
}

// ---------------------------------------------------------------- downlink

const std::string* Channel::id_of(const Message& message) const {
  for (const Subscription& s : plan_.options.subscriptions)
    if (matches(s.filter, message.topic) && (!message.retained || s.deliver_retained)) return &s.id;
  return nullptr;
}

bool Channel::to_port(const Message& message) {
  const std::string* id = id_of(message);
  const std::array<dtu_prop, 1> props{{{dtu::str("topic"), dtu::str(message.topic)}}};
  dtu_msg out{};
  out.route = id == nullptr ? dtu_str{} : dtu::str(*id);  // from a subscription of an earlier configuration
  out.payload = dtu::str(message.payload);
  out.props = props.data();
  out.prop_count = props.size();
  out.flags = message.retained ? DTU_MSG_RETAINED : 0;
  uint32_t taken = 0;
  return host_.emit(&out, 1, &taken) != DTU_AGAIN;
}

void Channel::subscribe(Subscription subscription, Session::Told told) {
  Session& session = need_session();
  // What is wanted counts from now on, also while there is no connection.
  auto note = [this, subscription, told = std::move(told)](const Outcome& outcome) {
    if (outcome.status == DTU_OK || outcome.status == DTU_E_CLOSED) {
      auto& all = plan_.options.subscriptions;
      all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& s) { return s.filter == outcome.filter; }),
                all.end());
      all.push_back(subscription);
    }
    if (told) told(outcome);
  };
  session.subscribe(std::move(subscription), std::move(note));
}

void Channel::unsubscribe(const std::string& filter, Session::Told told) {
  Session& session = need_session();
  auto& all = plan_.options.subscriptions;
  all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& s) { return s.filter == filter; }), all.end());
  session.unsubscribe(filter, std::move(told));
}

// ---------------------------------------------------------------- health

std::string Channel::health() {
  if (!session_) return reading_ ? R"({"dtu_state":1})" : R"({"dtu_state":-1})";
  const Session::Status status = session_->status();
  const Tls& tls = plan_.options.tls;
  std::string out = R"({"dtu_state":)" + std::to_string(status.state);
  out += R"(,"broker":)" + dtu::quoted(status.broker) + R"(,"client_id":)" + dtu::quoted(status.client_id);
  out += std::string(R"(,"session_present":)") + (status.session_present ? "true" : "false");
  out += R"(,"in_flight":)" + std::to_string(status.in_flight);
  out += R"(,"waiting_downlink":)" + std::to_string(status.inbox);
  if (!status.text.empty()) out += R"(,"error":)" + dtu::quoted(status.text);
  out += R"(,"tls":{"on":)" + std::string(tls.on ? "true" : "false");
  if (tls.on) out += R"(,"verify":)" + std::string(tls.verify ? "true" : "false");
  if (tls.on && !tls.verify) out += R"(,"warning":"insecure: tls.verify is false")";
  return out + "}}";
}

}  // namespace mqtt
