// A board whose ports "c" and "cpp" say numbers, 1 to compat.messages, and see whether they come back in order.
#include <dtu/sdk.hpp>

#include <array>

namespace {

constexpr uint64_t kMessages = 2000;
constexpr uint32_t kBatch = 16;

class Board : public dtu::Component, public dtu::PortsIface, public dtu::PointsIface {
 public:
  Board(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  static void check(std::string_view /*config*/, dtu::Findings& found) {
    for (const char* port : {"port:c", "port:cpp"}) found.offer("", port);
  }
  dtu_status start() override {
    timer_ = std::make_unique<dtu::Timer>(host_, [this] {
      for (Port& port : ports_) say(port);
    });
    timer_->arm_ms(1, 1);
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }
  dtu_status stop(uint32_t /*deadline_ms*/) override {
    timer_.reset();
    return DTU_OK;
  }
  void writable(uint64_t source) override {
    for (Port& port : ports_) {
      if (port.key != source) continue;
      port.blocked = false;
      say(port);
    }
  }

  void list_ports(const PortsIface::Each& each) override {
    for (const Port& p : ports_) each({sizeof(dtu_port_info), 0, dtu::str(p.id), dtu::str(""), dtu::str("Numbers")});
  }
  dtu_status open(std::string_view id, const dtu_port_settings& /*s*/, uint64_t key, void** port) override {
    for (Port& p : ports_) {
      if (p.id != id) continue;
      p.key = key;
      p.blocked = false;
      *port = &p;
      return DTU_OK;
    }
    throw dtu::Failure(DTU_E_NOT_FOUND, "no such port");
  }
  void close(void* port) override { static_cast<Port*>(port)->key = 0; }
  dtu_status write(void* port, const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    Port& p = *static_cast<Port*>(port);
    for (*taken = 0; *taken < n; ++*taken) {
      const bool right = dtu::view(msgs[*taken].payload) == std::to_string(p.returned + 1);
      if (right)
        ++p.returned;
      else
        ++p.wrong;
    }
    return DTU_OK;
  }

  void list_points(const PointsIface::Each& each) override {
    each_point([&](const std::string& name, uint64_t) {
      each({sizeof(dtu_point_info), 0, dtu::str(name), dtu::str(""), dtu::str("Count")});
    });
  }
  dtu_status read_point(std::string_view name, uint64_t call) override {
    dtu_status status = DTU_E_NOT_FOUND;
    each_point([&](const std::string& has, uint64_t value) {
      if (has == name) status = host_.reply(call, std::to_string(value));
    });
    return status;
  }

 private:
  struct Port {
    const char* id;
    uint64_t key = 0, said = 0, returned = 0, wrong = 0;
    bool blocked = false;
  };
  template <typename Each>
  void each_point(Each each) {
    each("compat.messages", kMessages);
    for (const Port& p : ports_) {
      each(std::string("compat.") + p.id + ".returned", p.returned);
      each(std::string("compat.") + p.id + ".wrong", p.wrong);
    }
  }
  void say(Port& port) {
    if (port.key == 0 || port.blocked) return;
    std::array<std::string, kBatch> texts;
    std::array<dtu_msg, kBatch> msgs{};
    uint32_t n = 0;
    for (; n < kBatch && port.said + n < kMessages; ++n) {
      texts[n] = std::to_string(port.said + n + 1);
      msgs[n].source = port.key;
      msgs[n].payload = dtu::str(texts[n]);
    }
    uint32_t taken = 0;
    port.blocked = host_.emit(msgs.data(), n, &taken) == DTU_AGAIN;
    port.said += taken;
  }

  std::array<Port, 2> ports_{Port{"c"}, Port{"cpp"}};
  std::unique_ptr<dtu::Timer> timer_;
};

DTU_COMPONENT(board, Board, DTU_KIND_HAL, "compat", "Numbers",
              R"({"type": "object", "additionalProperties": false, "properties": {}})", 0, dtu::ports_iface<Board>,
              dtu::points_iface<Board>);

}  // namespace

DTU_PLUGIN("org.dtukit.compat.board", "1.0.0", "dtukit", "Apache-2.0", "hal:compat", &board);
