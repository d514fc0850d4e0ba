// A proxy without a process: frames are handed to it as its child would, and what it asks of the kernel is counted.
#pragma once
#include <memory>
#include <string>

#include "plugins/instances.hpp"
#include "plugins/isolation/proxy.hpp"
#include "plugins/isolation/receive.hpp"

namespace dtud::test {

class IsolationRig : public plugins::Upcalls {
 public:
  explicit IsolationRig(uint32_t kind) {
    context.isolation = &isolation;
    plugins::LoadedComponent original;
    original.kind = kind;
    original.type = "test";
    original.caps = DTU_CAP_BLOCKING | DTU_CAP_TOPICS;
    original.ops.health = [](void*, void (*)(void*, dtu_str), void*) noexcept -> dtu_status { return DTU_OK; };
    original.interface_ids = {DTU_CHANNEL_IFACE,  DTU_PORTS_IFACE,   DTU_POINTS_IFACE,
                              DTU_COMMANDS_IFACE, DTU_DIALECT_IFACE, "com.example.own/1"};
    original.tables = {&channel_, &ports_, &points_, &commands_, &dialect_, &channel_};
    original.lacks = {"check",           "points.write",  "points.await",         "points.cancel",
                      "commands.cancel", "ports.drained", "dialect.channel_state"};
    stand_in = &static_cast<const plugins::isolation::StandIn&>(isolation.stand_in(original, "org.test", "/x.so", {}));
    auto& mine = const_cast<plugins::isolation::StandIn&>(*stand_in);
    mine.create = [](const dtu_host*, dtu_instance* i, dtu_str, void** self, dtu_error*) noexcept -> dtu_status {
      auto& context = *plugins::Handle::of(i).context;
      auto made = std::make_unique<RigProxy>(static_cast<IsolationRig&>(context.up), plugins::Handle::of(i));
      *self = static_cast<plugins::isolation::Proxy*>(made.release());
      return DTU_OK;
    };
    mine.ops.destroy = [](void* self) noexcept {
      std::unique_ptr<RigProxy>(static_cast<RigProxy*>(static_cast<plugins::isolation::Proxy*>(self))).reset();
    };
    instance = plugins::Instance::make(context, {"test 1", stand_in, "org.test", "{}"});
    instance->start();
  }
  ~IsolationRig() override {
    instance->stop(0, [] {});
    run_posted();
  }
  void run_posted() {
    lane.stop();
    lane.run();
  }

  // The body of a frame, and whether it was taken for one.
  bool hand(plugins::isolation::Frame type, std::string_view body) {
    plugins::isolation::Reader in(body);
    if (proxy == nullptr) return false;  // it has come to its end
    return plugins::isolation::receive(*proxy, type, in) && in.whole();
  }
  template <typename Fill>
  bool say(plugins::isolation::Frame type, Fill fill) {
    std::string bytes;
    fill(plugins::isolation::Writer(bytes, type));
    return hand(type, std::string_view(bytes).substr(plugins::isolation::kHead));
  }

  void started(plugins::Instance&) override {}
  void stopping(plugins::Instance&) override {}
  void stopped(plugins::Instance&) override {}
  void state_changed(plugins::Instance&, uint64_t, int32_t, const dtu_error*) override {}
  dtu_status emit(plugins::Instance&, const dtu_msg*, uint32_t n, uint32_t* taken) override {
    if (!room) return DTU_AGAIN;
    *taken = n;
    emitted += n;
    return DTU_OK;
  }
  void complete(plugins::Instance&, uint64_t, dtu_status) override { ++completed; }
  void writable(plugins::Instance&, uint64_t) override { ++writables; }
  void has_room(plugins::Instance&) override { ++rooms; }
  dtu_status to_port(plugins::Instance&, uint64_t, const dtu_msg&) override { return DTU_OK; }
  dtu_status to_channel(plugins::Instance&, uint64_t, uint32_t, const dtu_msg&) override { return DTU_OK; }
  void drop(plugins::Instance&, uint64_t, std::string_view, uint64_t) override {}
  dtu_status reply(plugins::Instance&, const dtu_reply&) override { return DTU_OK; }
  dtu_status invoke(plugins::Instance&, const dtu_request&, plugins::Asking, dtu_error*) override {
    return ++asked, DTU_OK;
  }
  dtu_status read_point(plugins::Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override {
    return ++asked, DTU_OK;
  }
  dtu_status write_point(plugins::Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override {
    return DTU_E_NOT_FOUND;
  }
  dtu_status await_point(plugins::Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override {
    return DTU_E_NOT_FOUND;
  }
  void cancel(plugins::Instance&, uint64_t) override {}
  void after_answers(plugins::Instance&, uint32_t, plugins::Asking) override {}
  dtu_status list_points(std::string_view, void (*)(void*, const dtu_point_info*), void*) override { return DTU_OK; }
  dtu_status list_commands(std::string_view, plugins::CommandSink, void*) override { return DTU_OK; }

  bool room = true;
  uint32_t emitted = 0, completed = 0, writables = 0, rooms = 0, asked = 0;
  Lane lane{"test"};
  Log log{Level::error, false};
  StallWatch stalls{{}, [](const StallWatch::Stall&) {}};
  plugins::Metrics metrics;
  plugins::Inbox inbox{lane, *this};
  plugins::Context context{lane, log, *this, inbox, metrics, stalls, instances, {}};
  plugins::Instances instances{context};
  plugins::isolation::Isolation isolation{context, "/nonexistent"};
  const plugins::isolation::StandIn* stand_in = nullptr;
  plugins::InstancePtr instance;
  plugins::isolation::Proxy* proxy = nullptr;  // null: it was ended

 private:
  struct RigProxy : plugins::isolation::Proxy {
    RigProxy(IsolationRig& owner, const plugins::Handle& handle)
        : Proxy(*handle.instance.load(), *owner.stand_in, owner.isolation), rig(owner) {
      rig.proxy = this;
    }
    ~RigProxy() { rig.proxy = nullptr; }
    IsolationRig& rig;
  };
  dtu_channel channel_{sizeof(dtu_channel), 0, {}, {}};
  dtu_ports ports_{sizeof(dtu_ports), 0, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  dtu_points points_{sizeof(dtu_points), 0, {}, {}, {}, {}, {}};
  dtu_commands commands_{sizeof(dtu_commands), 0, {}, {}, {}};
  dtu_dialect dialect_{sizeof(dtu_dialect), 0, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
};

}  // namespace dtud::test
