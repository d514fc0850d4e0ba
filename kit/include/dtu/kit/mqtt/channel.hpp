// A channel to an MQTT broker, all but what makes a cloud that cloud. A plugin derives from it and says by plan() where
// to connect, what to subscribe to and where to publish. The rest is here: the values of placeholders before the
// connection, the life of the session, messages of the port to topics and back, health.
//
//   class Acme final : public mqtt::Channel {
//     Acme(dtu::Host host, std::string_view config);
//     mqtt::Plan plan(const dtu::PlaceholderValues& values) override;  // topics, client id, birth message
//     void prepare(mqtt::Options& options) override;                   // the login of this attempt
//     bool deliver(const mqtt::Message& message) override;             // what is not for the port
//   };
//   DTU_COMPONENT(acme, Acme, DTU_KIND_CHANNEL, "acme", "Acme cloud", schema_json, DTU_CAP_TOPICS,
//   dtu::channel_iface<Acme>);
//
// All [lane]. docs/plugin-guide.md, "A cloud over MQTT in an hour", has a whole one.
#pragma once
#include <dtu/kit/mqtt/plan.hpp>
#include <dtu/kit/mqtt/session.hpp>
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/placeholder_values.hpp>
#include <memory>
#include <string>

namespace mqtt {

class Channel : public dtu::Component, public dtu::ChannelIface, protected Session::Handler {
 public:
  explicit Channel(dtu::Host host) : Component(host), values_(host) {}

  dtu_status start() override;
  dtu_status stop(uint32_t deadline_ms) override;
  void writable(uint64_t source) override;
  std::string health() override;
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override;
  dtu_status flush(uint32_t deadline_ms) override;

 protected:
  struct Wanted {
    dtu::PlaceholderSet values;
    dtu::PlaceholderSet silent;  // of them, those whose absence is not worth a word in the log
  };
  // The placeholders that plan() needs; see used_in() of plan.hpp.
  [[nodiscard]] virtual Wanted wanted() const { return {}; }
  // Called once after start(), when the values are there (at most 5 s later). What it throws fails the channel.
  virtual Plan plan(const dtu::PlaceholderValues& values) = 0;

  // A message came. Here it goes to the port: see to_port().
  bool deliver(const Message& message) override { return to_port(message); }
  // Emits the message to the port, with the id of the first subscription that matches as its route and the topic as its
  // property "topic". False: no room, it comes again.
  bool to_port(const Message& message);

  // Where a message of the port with this topic id is published; "" is for one that names none. Null: it is rejected.
  [[nodiscard]] virtual const Target* find_target(std::string_view route) const;

  // As those of Session, and what is subscribed to so goes to the port with its id, too. Throws dtu::Failure
  // (DTU_E_CLOSED) before the first connection is begun.
  void subscribe(Subscription subscription, Session::Told told = {});
  void unsubscribe(const std::string& filter, Session::Told told = {});
  // A message of the plugin's own. Throws dtu::Failure (DTU_E_CLOSED, or DTU_AGAIN when the window is full), retryable.
  void publish(const Target& target, std::string_view payload);

  [[nodiscard]] Session* session() { return session_.get(); }       // null before plan() was called
  [[nodiscard]] const Plan& current_plan() const { return plan_; }  // what plan() returned

 private:
  void values_are(const dtu::PlaceholderValues& values);
  [[nodiscard]] const std::string* id_of(const Message& message) const;
  Session& need_session();

  Plan plan_;
  dtu::HostPlaceholders values_;
  bool reading_ = false;  // the values are still to come
  std::unique_ptr<Session> session_;
};

}  // namespace mqtt
