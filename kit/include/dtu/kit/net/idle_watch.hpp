// Watches a connection for want of traffic (D14): the heartbeat is due when nothing was sent for so long, and the
// connection is dead when nothing was received for so long.
#pragma once
#include <cstdint>
#include <dtu/sdk/host.hpp>
#include <functional>
#include <memory>

namespace net {

class IdleWatch {
 public:
  enum class Due { heartbeat, silence };
  using Fn = std::function<void(Due)>;

  // 0 switches either off. `due` comes from the loop; at `silence` it may destroy the watch.
  IdleWatch(dtu::Host host, uint32_t heartbeat_s, uint32_t silence_s, Fn due);

  void sent() { last_out_ns_ = host_.monotonic_ns(); }
  void received() { last_in_ns_ = host_.monotonic_ns(); }
  void not_reading(bool yes);  // the silence is ours meanwhile

 private:
  void on_timer();
  void arm();

  dtu::Host host_;
  const int64_t heartbeat_ns_, silence_ns_;
  Fn due_;
  int64_t last_out_ns_, last_in_ns_;
  bool not_reading_ = false;
  std::unique_ptr<dtu::Timer> timer_;  // none when both are off
};

}  // namespace net
