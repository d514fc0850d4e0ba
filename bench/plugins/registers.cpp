// bench/run.py --only values: what a Modbus master and a GNSS receiver hand over, without either. A HAL whose port "9"
// gives ten lines of JSON a second, with a hundred register values each, and which tells its position ten times a
// second.
#include <dtu/sdk.hpp>
#include <dtu/sdk/events.hpp>

#include <string>

namespace {

constexpr char kMoved[] = "org.dtukit.bench.moved";
constexpr uint64_t kPeriod_ms = 100;
constexpr int kValues = 100;

class Registers : public dtu::Component, public dtu::PortsIface {
 public:
  static constexpr dtu_event_info events[] = {dtu::event(kMoved, "Moved")};

  Registers(dtu::Host host, std::string_view /*config*/) : Component(host), timer_(host, [this] { due(); }) {}
  dtu_status start() override {
    timer_.arm_ms(kPeriod_ms, kPeriod_ms);
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }
  dtu_status stop(uint32_t /*deadline_ms*/) override {
    timer_.disarm();
    return DTU_OK;
  }
  void list_ports(const Each& each) override {
    each({sizeof(dtu_port_info), 0, dtu::str("9"), dtu::str("none"), dtu::str("Registers")});
  }
  dtu_status open(std::string_view /*id*/, const dtu_port_settings& /*s*/, uint64_t key, void** port) override {
    key_ = key;
    *port = this;
    return DTU_OK;
  }
  void close(void* /*port*/) override { key_ = 0; }
  dtu_status write(void* /*port*/, const dtu_msg* /*msgs*/, uint32_t n, uint32_t* taken) override {
    *taken = n;
    return DTU_OK;
  }

 private:
  void due() {
    ++round_;
    if (key_ != 0) {
      line_.assign("{");
      for (int i = 0; i < kValues; ++i)
        line_ += (i == 0 ? "\"v" : ",\"v") + std::to_string(i) + "\":" + std::to_string((round_ * 7 + i) % 65536);
      line_ += "}\n";
      if (!host_.emit(key_, line_)) host_.warn("a line was not taken");
    }
    const std::string place = R"({"lat":48.1,"lng":11.5,"n":)" + std::to_string(round_) + "}";
    events_.publish(kMoved, place);
  }
  dtu::Timer timer_;
  dtu::Events events_{host_};
  std::string line_;
  uint64_t key_ = 0;
  int round_ = 0;
};

DTU_COMPONENT(component, Registers, DTU_KIND_HAL, "registers", "A thousand values a second", R"({"type": "object"})", 0,
              dtu::ports_iface<Registers>, dtu::events_iface<Registers>);

}  // namespace

DTU_PLUGIN("org.dtukit.bench.registers", "1.0.0", "dtukit", "Apache-2.0", "hal:registers", &component);
