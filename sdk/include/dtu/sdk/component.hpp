// Base classes to derive from, and the constant tables made of them. Overrides may throw: the glue stops it.
//
//   class Echo : public dtu::Component, public dtu::ChannelIface { ... Echo(dtu::Host, std::string_view config) ... };
//   DTU_COMPONENT(echo, Echo, DTU_KIND_CHANNEL, "echo", "Echo", R"({"type": "object"})", 0,
//                 dtu::channel_iface<Echo>);
//   DTU_PLUGIN("org.example.echo", "1.0.0", "Example Ltd", "Apache-2.0", "channel:echo", &echo);
#pragma once
#include <dtu/channel.h>
#include <dtu/commands.h>
#include <dtu/dialect.h>
#include <dtu/points.h>
#include <dtu/ports.h>
#include <dtu/sdk/check.hpp>
#include <dtu/sdk/host.hpp>

#include <memory>

namespace dtu {

// Life cycle; see dtu_ops for what each may answer. All [lane]. A check() is a static function: check.hpp.
class Component {
 public:
  explicit Component(Host host) : host_(host) {}
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;
  virtual ~Component() = default;
  virtual dtu_status start() { return DTU_OK; }
  virtual dtu_status stop(uint32_t /*deadline_ms*/) { return DTU_OK; }
  virtual void writable(uint64_t /*source*/) {}
  virtual std::string health() { return "{}"; }
  // A callback without a status threw: the host is told and starts the instance anew.
  void failed(const dtu_error& e) noexcept { dtu_report(host_.raw(), host_.instance(), 0, DTU_STATE_FAILED, &e); }

 protected:
  Host host_;
};

class ChannelIface {  // dtu.channel/1
 public:
  virtual ~ChannelIface() = default;
  virtual dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) = 0;
  virtual dtu_status flush(uint32_t /*deadline_ms*/) { return DTU_OK; }
};

struct PortSignals {    // as masks of DTU_SIGNAL_...
  uint32_t known = 0;   // those that can be read
  uint32_t values = 0;  // those that are on
};

class PortsIface {  // dtu.ports/1
 public:
  using Each = std::function<void(const dtu_port_info&)>;
  virtual ~PortsIface() = default;
  virtual void list_ports(const Each& each) = 0;
  virtual dtu_status open(std::string_view id, const dtu_port_settings& s, uint64_t key, void** port) = 0;
  virtual void close(void* port) = 0;
  virtual dtu_status write(void* port, const dtu_msg* msgs, uint32_t n, uint32_t* taken) = 0;
  virtual bool drained(void* /*port*/) { return true; }
  virtual uint32_t flags(void* /*port*/) { return 0; }
  virtual uint64_t discard(void* /*port*/, uint32_t /*which*/) { return 0; }
  virtual dtu_status set_line(void* /*port*/, const dtu_port_settings& /*settings*/) {
    throw Failure(DTU_E_UNSUPPORTED, "this board cannot change the settings of an open port");
  }
  // DTU_SIGNAL_DTR, _RTS and _BREAK: those of `mask` become as in `values`, at once.
  virtual dtu_status set_signals(void* /*port*/, uint32_t /*mask*/, uint32_t /*values*/) {
    throw Failure(DTU_E_UNSUPPORTED, "this board cannot switch the signals of a port");
  }
  virtual PortSignals signals(void* /*port*/) {
    throw Failure(DTU_E_UNSUPPORTED, "this board cannot read the signals of a port");
  }
};

class PointsIface {  // dtu.points/1
 public:
  using Each = std::function<void(const dtu_point_info&)>;
  virtual ~PointsIface() = default;
  virtual void list_points(const Each& each) = 0;
  virtual dtu_status read_point(std::string_view name, uint64_t call) = 0;
  virtual dtu_status write_point(std::string_view name, std::string_view /*json*/, uint64_t /*call*/) {
    throw Failure(DTU_E_UNSUPPORTED, std::string(name) + " cannot be written");
  }
  virtual dtu_status await_point(std::string_view name, std::string_view /*json*/, uint64_t /*call*/) {
    throw Failure(DTU_E_UNSUPPORTED, std::string(name) + " does not report its changes");
  }
  virtual void cancel_point(uint64_t /*call*/) {}
};

class CommandsIface {  // dtu.commands/1
 public:
  using Each = std::function<void(const dtu_command_info&)>;
  virtual ~CommandsIface() = default;
  virtual void list_commands(const Each& each) = 0;
  // The caller is valid within the call.
  virtual dtu_status invoke(uint64_t /*call*/, std::string_view name, std::string_view /*args*/,
                            const dtu_caller& /*caller*/) {
    throw Failure(DTU_E_NOT_FOUND, "there is no command " + std::string(name));
  }
  // For who needs to know the deadline too: instead of invoke(), which this calls.
  virtual dtu_status invocation(const dtu_invocation& i) {
    return invoke(i.call, view(i.name), view(i.args), *i.caller);
  }
  virtual void cancel(uint64_t /*call*/) {}
};

class DialectIface {  // dtu.dialect/1; T must also have: static constexpr const char* dialect_names[] = {..., nullptr};
 public:
  class Session {
   public:
    virtual ~Session() = default;
    virtual void from_port(const dtu_msg& msg) = 0;
    virtual void from_channel(uint32_t channel, const dtu_msg& msg) = 0;
    virtual void channel_state(uint32_t /*channel*/, int32_t /*state*/, const dtu_error* /*error*/) {}
    [[nodiscard]] virtual std::string_view unfinished() const { return {}; }
    virtual void port_state(int32_t /*state*/, const dtu_error* /*error*/) {}
    virtual void sent(const dtu_fate& /*fate*/) {}
    virtual void delivered(const dtu_fate& /*fate*/) {}
  };
  virtual ~DialectIface() = default;
  virtual std::unique_ptr<Session> open_session(const dtu_link_info& link) = 0;
};

}  // namespace dtu

#include <dtu/sdk/glue.hpp>
