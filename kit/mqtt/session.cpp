#include <dtu/kit/mqtt/session.hpp>
#include <mqtt/client.hpp>
#include <utility>

namespace mqtt {

Session::Session(dtu::Host host, Options options, Handler& handler)
    : client_(std::make_unique<Client>(host, std::move(options), handler)) {}
Session::~Session() = default;

void Session::start() { client_->start(); }
dtu_status Session::stop(uint32_t deadline_ms) { return client_->stop(deadline_ms); }
void Session::writable() { client_->writable(); }
Session::Sent Session::publish(const Target& target, const dtu_msg& message) {
  return client_->publish(target, message);
}
Session::Sent Session::publish(const Target& target, std::string_view payload) {
  dtu_msg message{};
  message.payload = dtu::str(payload);
  return client_->publish(target, message);
}
void Session::reject(uint64_t token, std::string_view why) { client_->reject(token, why); }
void Session::subscribe(Subscription subscription, Told told) {
  client_->subscribe(std::move(subscription), std::move(told));
}
void Session::unsubscribe(const std::string& filter, Told told) { client_->unsubscribe(filter, std::move(told)); }
Session::Status Session::status() const { return client_->status(); }
uint32_t Session::in_flight() const { return client_->in_flight(); }

}  // namespace mqtt
