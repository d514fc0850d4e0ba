// A HAL of points that offers network.configure: the test and the kernel see the same values.
#pragma once
#include <dtu/sdk/board.hpp>

#include <map>

#include "rig.hpp"

namespace dtud::test {

// What a Board does; kept by the test. Any thread.
class BoardState {
 public:
  struct Waiter {
    dtu::Host host;
    uint64_t call;
    std::string name, json;
  };

  void set(const std::string& name, const std::string& json) {
    const std::lock_guard<std::mutex> lock(mutex_);
    values_[name] = json;
    ++changes_[name];
    for (auto it = waiters_.begin(); it != waiters_.end();) {
      if (it->name != name || it->json == json) {
        ++it;
        continue;
      }
      it->host.reply(it->call, json);
      it = waiters_.erase(it);
    }
  }
  std::string get(const std::string& name) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = values_.find(name);
    return it == values_.end() ? "" : it->second;
  }
  int changes(const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return changes_[name];
  }
  std::map<std::string, std::string> all() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return values_;
  }
  void wait(Waiter waiter) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::string& now = values_[waiter.name];
    if (now != waiter.json) {
      waiter.host.reply(waiter.call, now);
      return;
    }
    waiters_.push_back(std::move(waiter));
  }
  void cancel(uint64_t call) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = waiters_.begin(); it != waiters_.end();) it = it->call == call ? waiters_.erase(it) : it + 1;
    ++cancelled;
  }
  size_t waiting() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return waiters_.size();
  }
  void forget_waiters() {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiters_.clear();
  }
  void configured(const dtu::NetworkSettings& s) {
    const std::lock_guard<std::mutex> lock(mutex_);
    apns_.push_back(s.apn + " " + s.user + " " + s.password);
  }
  std::vector<std::string> apns() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return apns_;
  }
  [[nodiscard]] std::string config() const { return std::to_string(reinterpret_cast<uintptr_t>(this)); }

  std::atomic<int> reads{0}, cancelled{0};
  std::atomic<bool> can_await{true}, silent{false}, fail_writes{false}, fail_network{false};

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> values_;
  std::map<std::string, int> changes_;
  std::vector<Waiter> waiters_;
  std::vector<std::string> apns_;
};

class Board : public dtu::Component, public dtu::PointsIface, public dtu::CommandsIface, public dtu::NetworkCommands {
 public:
  Board(dtu::Host host, std::string_view config)
      : Component(host), state_(*reinterpret_cast<BoardState*>(std::stoull(std::string(config)))) {}
  dtu_status start() override {
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }
  dtu_status stop(uint32_t /*deadline_ms*/) override {
    state_.forget_waiters();
    return DTU_OK;
  }
  void list_points(const PointsIface::Each& /*each*/) override {}  // the test adds them to the directory
  void list_commands(const CommandsIface::Each& each) override { list_network(each); }
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller&) override {
    return invoke_network(call, name, args) ? DTU_OK : DTU_E_NOT_FOUND;
  }
  dtu_status read_point(std::string_view name, uint64_t call) override {
    ++state_.reads;
    if (state_.silent) return DTU_OK;
    return host_.reply(call, state_.get(std::string(name)));
  }
  dtu_status write_point(std::string_view name, std::string_view json, uint64_t call) override {
    if (state_.fail_writes) throw dtu::Failure(DTU_E_IO, "the pin is broken");
    state_.set(std::string(name), std::string(json));
    return host_.reply(call, "");
  }
  dtu_status await_point(std::string_view name, std::string_view json, uint64_t call) override {
    if (!state_.can_await) throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(name) + " has no interrupt");
    state_.wait({host_, call, std::string(name), std::string(json)});
    return DTU_OK;
  }
  void cancel_point(uint64_t call) override { state_.cancel(call); }
  void configure_network(const dtu::NetworkSettings& settings, uint64_t call) override {
    if (state_.fail_network) throw dtu::Failure(DTU_E_IO, "no modem answers");
    state_.configured(settings);
    host_.reply(call, "");
  }

 private:
  BoardState& state_;
};

inline plugins::LoadedComponent board_component(uint64_t caps = 0) {
  plugins::LoadedComponent c;
  c.kind = DTU_KIND_HAL;
  c.type = "board";
  c.caps = caps;
  c.create = dtu::Glue<Board>::create;
  c.ops = dtu::Glue<Board>::ops;
  for (const dtu_iface& i : {dtu::points_iface<Board>, dtu::commands_iface<Board>}) {
    c.interface_ids.emplace_back(i.id);
    c.tables.push_back(i.table);
  }
  return c;
}

// A board that runs, on the main lane or on a lane of its own.
struct BoardTest : ::testing::TestWithParam<uint64_t> {
  const plugins::LoadedComponent component = board_component(GetParam());
  BoardState board;
  Rig rig;
  plugins::InstancePtr hal;

  void start_board(const std::map<std::string, std::string>& values) {
    for (const auto& [name, json] : values) board.set(name, json);
    rig.on([&] {
      hal = plugins::Instance::make(rig.context, {"hal board", &component, "test", board.config()});
      hal->start();
    });
    ASSERT_TRUE(rig.eventually([&] { return hal->state() == DTU_STATE_UP; }));
    rig.on([&] { offer(); });
  }
  void offer() {
    for (const auto& [name, unused] : board.all()) {
      commands::Point p;
      p.name = name;
      p.flags = DTU_POINT_WRITABLE;
      p.provider = hal.get();
      EXPECT_EQ(rig.directory.add(std::move(p)), "");
    }
    commands::Command c;
    c.name = commands::kNetworkConfigure;
    c.flags = DTU_COMMAND_INTERNAL | DTU_COMMAND_SHARED;
    c.provider = hal.get();
    EXPECT_EQ(rig.directory.add(std::move(c)), "");
  }
  void TearDown() override {
    if (hal) rig.stop(hal);
  }
};

}  // namespace dtud::test
