// The network of the board, told by the kernel: points network.interfaces and network.default_route, event
// network.changed. A socket is watched; nothing is polled. [lane]
#pragma once
#include <dtu/kit/port/descriptor.hpp>
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/events.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/network_table.hpp"

namespace hal_linux {

constexpr dtu_event_info network_changed_event =
    dtu::state_event("network.changed", "Interfaces, addresses or default routes changed",
                     R"({"type": "object", "required": ["online", "default_route", "interfaces"],
  "properties": {"online": {"type": "boolean"}, "default_route": {"type": "object"}, "interfaces": {"type": "array"},
                 "more": {"type": "integer"}}})");

class Network {
 public:
  // groups: what it is to be told of (RTMGRP_...), 0: nothing, it only asks. Empty: see errno.
  using Open = std::function<dtu_port::Descriptor(uint32_t groups)>;
  static dtu_port::Descriptor open_rtnetlink(uint32_t groups);

  explicit Network(dtu::Host host, Open open = open_rtnetlink);

  // Failures are logged, and said by the points.
  void start();
  void stop();

  void list(const std::function<void(const dtu_point_info&)>& each) const;
  [[nodiscard]] static bool has(std::string_view point);
  void read(std::string_view point, uint64_t call);
  // For the health of the HAL: {"changes": 3, "left_out": 0}.
  [[nodiscard]] std::string health() const;

 private:
  // A list of everything, asked for step by step: links, addresses, routes.
  struct Dump {
    dtu_port::Descriptor fd;
    std::unique_ptr<dtu::FdWatch> watch;  // after fd: goes first
    std::vector<char> buffer;
    NetworkTable table;
    size_t step = 0;
    bool again = false;
  };
  void notified();
  void begin_soon();
  void begin();
  void ask();
  void answered();
  void step_done();
  void failed(const std::string& what, int code);

  dtu::Host host_;
  const dtu::Events events_{host_};
  Open open_;
  dtu_port::Descriptor fd_;
  std::unique_ptr<dtu::FdWatch> watch_;  // after fd_: goes first
  std::unique_ptr<dtu::Timer> soon_;     // while started: changes come in crowds
  std::unique_ptr<Dump> dump_;
  NetworkTable table_;
  bool gathering_ = false;  // soon_ begins a dump
  bool known_ = false;      // table_ holds
  std::string trouble_;     // why it does not
  std::string told_;        // the last event
  uint32_t sequence_ = 0;
  uint64_t changes_ = 0;
};

}  // namespace hal_linux
