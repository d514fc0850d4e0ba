// The two ways to be a TCP channel, and what they share.
#pragma once
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <dtu/kit/net/state_report.hpp>
#include <dtu/kit/net/world.hpp>
#include <dtu/sdk.hpp>
#include <memory>
#include <string>

#include "metrics.hpp"
#include "settings.hpp"
#include "stream.hpp"

namespace channel_tcp {

using net::StateReport;
using net::World;

struct Context {
  dtu::Host host;
  Settings settings;
  World world;
  Metrics metrics{host};
  ReadBuffer buffer{};
  net::Ping ping{host, settings.ping};
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // The first attempt is made from the loop, so that no report comes from within start().
  virtual void start() = 0;
  virtual bool stop(uint32_t deadline_ms) = 0;  // false: STOPPED is reported later
  virtual dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) = 0;
  virtual bool flush() = 0;  // true: nothing is under way
  virtual void writable() = 0;
  virtual void health(Poco::JSON::Object& out) const = 0;
};

[[nodiscard]] std::unique_ptr<Endpoint> make_client(Context& context);
[[nodiscard]] std::unique_ptr<Endpoint> make_server(Context& context);

// One connection in health().
[[nodiscard]] Poco::JSON::Object::Ptr show(const Stream& stream);

}  // namespace channel_tcp
