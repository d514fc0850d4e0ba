// The heartbeat message (D14, D25): `ping` of the configuration with the values of its placeholders. [lane]
#pragma once
#include <dtu/sdk/host.hpp>
#include <dtu/sdk/placeholder_values.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace net {

// Lives as long as the instance.
class Ping {
 public:
  // The message has an owner, so that it can be kept; it wants no completion.
  using Ready = std::function<void(const dtu_msg&)>;

  Ping(dtu::Host host, std::string_view text);

  [[nodiscard]] bool empty() const { return text_.empty(); }
  // Calls `ready` once: within this call if the text has no placeholders, else when their values were read, 5 s later
  // at most. A second call for the same `who` before that changes nothing.
  void make(const void* who, Ready ready);
  void forget(const void* who);  // its `ready` is not called any more

 private:
  void filled(const dtu::PlaceholderValues& values);
  void give(const Ready& ready, std::string_view bytes);

  dtu::Host host_;
  dtu::TextTemplate text_;
  std::unique_ptr<dtu::HostPlaceholders> values_;  // none: there is nothing to read
  std::vector<std::pair<const void*, Ready>> waiting_;
};

}  // namespace net
