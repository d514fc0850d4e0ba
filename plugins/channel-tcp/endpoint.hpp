// The two ways to be a TCP channel, and what they share.
#pragma once
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <dtu/sdk.hpp>
#include <functional>
#include <memory>
#include <string>

#include "backoff.hpp"
#include "metrics.hpp"
#include "resolver.hpp"
#include "settings.hpp"
#include "stream.hpp"

namespace channel_tcp {

// Chance and the name service, as a test may replace them.
struct World {
  Backoff::Random random = random_fraction;
  Resolver::Lookup lookup = system_lookup;
};

struct Context {
  dtu::Host host;
  Settings settings;
  World world;
  Metrics metrics{host};
  ReadBuffer buffer{};
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

// Tells the host of a state, and of the same state only once for the same reason.
class StateReport {
 public:
  explicit StateReport(dtu::Host host) : host_(host) {}
  void up();
  void not_up(int32_t state, const std::string& reason);
  [[nodiscard]] bool is_up() const { return state_ == DTU_STATE_UP; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  dtu::Host host_;
  int32_t state_ = 0;
  std::string reason_;
};

}  // namespace channel_tcp
