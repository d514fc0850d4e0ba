// What a client publishes, and what becomes of it.
#include <dtu/channel.h>

#include <algorithm>
#include <mqtt/client.hpp>
#include <mqtt/words.hpp>
#include <utility>

namespace mqtt {
namespace {

constexpr int64_t kLogEveryNs = 10'000'000'000;  // for messages that may come for each publish
constexpr uint32_t kFirstAckMs = 2, kSlowestAckMs = 500;

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

// ---------------------------------------------------------------- uplink

Client::Sent Client::publish(const Target& target, const dtu_msg& message) {
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

int Client::usable_qos(int qos) const { return std::min({qos, options_.clean_session ? 2 : 1, facts_.largest_qos}); }

Connection::Sent Client::hand_over(const std::string& topic, std::string_view payload, Inflight::Slot* slot,
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

void Client::delivered(Inflight::Slot* slot) noexcept {
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
void Client::settle() {
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

void Client::on_ack_timer() {
  ack_delay_ms_ = std::min(ack_delay_ms_ * 2, kSlowestAckMs);
  settle();
  end_if_drained();
}

void Client::refused(Inflight::Slot* slot, int reason) noexcept {
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

void Client::complete(uint64_t token, dtu_status status) noexcept {
  if (token != 0) host_.complete(token, status);  // 0: nobody wants to know
}

void Client::reject(uint64_t token, std::string_view why) {
  counters_.add(Count::rejected);
  if (log_now(quiet_until_ns_)) host_.warn(std::string(why) + "; further ones are counted in mqtt_rejected");
  complete(token, DTU_E_INVALID);
}

bool Client::log_now(std::atomic<int64_t>& quiet_until_ns) const {
  const int64_t now = host_.monotonic_ns();
  int64_t quiet = quiet_until_ns;
  return now >= quiet && quiet_until_ns.compare_exchange_strong(quiet, now + kLogEveryNs);
}

}  // namespace mqtt
