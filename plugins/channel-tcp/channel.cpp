#include "channel.hpp"

#include <sstream>
#include <utility>

namespace channel_tcp {

TcpChannel::TcpChannel(dtu::Host host, std::string_view config, World world)
    : Component(host), context_{host, read_settings(config), std::move(world)} {}

dtu_status TcpChannel::start() {
  endpoint_ = context_.settings.server ? make_server(context_) : make_client(context_);
  endpoint_->start();
  return DTU_PENDING;
}

dtu_status TcpChannel::stop(uint32_t deadline_ms) {
  return endpoint_ && !endpoint_->stop(deadline_ms) ? DTU_PENDING : DTU_OK;
}

void TcpChannel::writable(uint64_t /*source*/) {
  if (endpoint_) endpoint_->writable();
}

dtu_status TcpChannel::send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  *taken = 0;
  if (!endpoint_) throw net::not_sent("the TCP channel is not started");
  return endpoint_->send(msgs, n, taken);
}

dtu_status TcpChannel::flush(uint32_t /*deadline_ms*/) {
  return endpoint_ && !endpoint_->flush() ? DTU_PENDING : DTU_OK;
}

std::string TcpChannel::health() {
  Poco::JSON::Object out(Poco::JSON_PRESERVE_KEY_ORDER);
  out.set("mode", context_.settings.server ? "server" : "client");
  if (endpoint_) {
    endpoint_->health(out);
  } else {
    out.set("dtu_state", 0);
  }
  context_.metrics.show(out);
  std::ostringstream text;
  out.stringify(text);
  return text.str();
}

Poco::JSON::Object::Ptr show(const Stream& stream) {
  const SocketFacts f = facts(stream.fd());
  auto o = Poco::makeShared<Poco::JSON::Object>(Poco::JSON_PRESERVE_KEY_ORDER);
  o->set("id", stream.id());
  o->set("address", stream.address());
  o->set("sent_bytes", stream.sent_bytes());
  o->set("received_bytes", stream.received_bytes());
  o->set("unacknowledged_bytes", unacknowledged(stream.fd()));
  o->set("rtt_us", f.rtt_us);
  if (stream.tls() != nullptr) o->set("tls", stream.tls()->version());
  return o;
}

}  // namespace channel_tcp
