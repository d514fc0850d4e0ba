// A channel that gives back what it gets from a thread of its own, so that every [any] function is called from there.
#include <dtu/sdk.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr size_t kWaitingMax = 64;

class Relay : public dtu::Component, public dtu::ChannelIface {
 public:
  Relay(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  ~Relay() override { join(); }

  dtu_status start() override {
    count_start();
    metrics_.add(host_.instance(), DTU_METRIC_COUNTER, dtu::str("compat_relayed"), dtu::str("Messages"), &metric_);
    worker_ = std::thread([this] { work(); });
    host_.report(DTU_STATE_CONNECTING);
    return DTU_PENDING;  // the thread reports UP
  }
  dtu_status stop(uint32_t /*deadline_ms*/) override {
    join();
    return DTU_OK;
  }
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (*taken = 0; *taken < n; ++*taken) {
      if (waiting_.size() >= kWaitingMax) {
        full_ = true;
        return DTU_AGAIN;
      }
      const dtu_msg& m = msgs[*taken];
      waiting_.push_back({m.token, host_.keep(m.owner), m.payload});
    }
    changed_.notify_one();
    return DTU_OK;
  }
  void writable(uint64_t /*source*/) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    room_ = true;
    changed_.notify_one();
  }
  std::string health() override {
    return "{\"starts\":" + std::to_string(starts_) + ",\"posted\":" + std::to_string(posted_) + "}";
  }

 private:
  struct Kept {
    uint64_t token;
    dtu::Buffer buffer;
    dtu_str payload;
  };

  // Kept across restarts.
  void count_start() {
    const auto read = [](void* ctx, dtu_str text) {
      *static_cast<int*>(ctx) = std::stoi(std::string(dtu::view(text)));
    };
    kv_.get(host_.instance(), dtu::str("starts"), read, &starts_);
    const std::string now = std::to_string(++starts_);
    if (dtu_kv_set(&kv_, host_.instance(), dtu::str("starts"), dtu::str(now)) < DTU_OK)
      host_.warn("dtu.kv/1 keeps nothing");
  }
  void join() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      over_ = true;
      changed_.notify_one();
    }
    if (worker_.joinable()) worker_.join();
  }

  void work() {
    dtu_post(
        &post_, host_.instance(), [](void* self) { ++static_cast<Relay*>(self)->posted_; }, this);
    host_.report(DTU_STATE_UP);
    std::unique_lock<std::mutex> lock(mutex_);
    while (!over_) {
      std::vector<Kept> now;
      now.swap(waiting_);
      const bool room = std::exchange(full_, false);
      lock.unlock();
      if (room) host_.writable();
      for (Kept& kept : now) give_back(kept);
      lock.lock();
      changed_.wait(lock, [this] { return over_ || !waiting_.empty(); });
    }
  }
  void give_back(Kept& kept) {
    dtu_msg back{};
    back.payload = kept.payload;
    back.owner = kept.buffer.get();
    uint32_t taken = 0;
    while (host_.emit(&back, 1, &taken) == DTU_AGAIN) {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return over_ || room_; });
      room_ = false;
      if (over_) return;
    }
    kept.buffer.reset();
    host_.complete(kept.token, DTU_OK);
    metrics_.increase(host_.instance(), metric_, 1);
  }

  const dtu_kv_service& kv_ = host_.need<dtu_kv_service>(DTU_KV_SERVICE);
  const dtu_metrics_service& metrics_ = host_.need<dtu_metrics_service>(DTU_METRICS_SERVICE);
  const dtu_post_service& post_ = host_.need<dtu_post_service>(DTU_POST_SERVICE);
  uint64_t metric_ = 0;
  int starts_ = 0, posted_ = 0;  // of the lane
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Kept> waiting_;
  bool over_ = false, full_ = false, room_ = false;
  std::thread worker_;
};

DTU_COMPONENT(relay, Relay, DTU_KIND_CHANNEL, "compat-cpp", "Relay",
              R"({"type": "object", "additionalProperties": false, "properties": {}})", 0, dtu::channel_iface<Relay>);

}  // namespace

DTU_PLUGIN("org.dtukit.compat.relay", "1.0.0", "dtukit", "Apache-2.0", "channel:compat-cpp", &relay);
