// The GPIO pins of the board: points gpio.<n>, and direction pins of ports. [lane]
#pragma once
#include <dtu/sdk/component.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpio_line.hpp"

namespace hal_linux {

class Pins {
 public:
  Pins(dtu::Host host, const std::vector<PinConfig>& pins);

  void start();  // takes the lines; what cannot be used is logged, and tried again whenever it is used
  void stop();   // answers who waits, gives the lines back

  void list(const std::function<void(const dtu_point_info&)>& each) const;
  [[nodiscard]] bool has(std::string_view point) const { return pins_.find(point) != pins_.end(); }
  // As dtu.points/1 has them.
  void read(std::string_view point, uint64_t call);
  void write(std::string_view point, std::string_view json, uint64_t call);
  void await(std::string_view point, std::string_view json, uint64_t call);
  void cancel(uint64_t call);

  // For the direction of `port`: sets the level. Nobody else may write the pin while the function lives. Throws
  // DTU_E_UNSUPPORTED when the pin is not there to be driven.
  [[nodiscard]] std::function<void(int level)> drive(int32_t gpio, const std::string& port);

 private:
  struct Await {
    uint64_t call;
    int level;  // the one it waits to go
  };
  struct Pin {
    PinConfig config;
    std::unique_ptr<GpioLine> line;       // null: could not be had
    std::unique_ptr<dtu::FdWatch> watch;  // while somebody waits; after line: goes first
    std::vector<Await> awaits;
    std::weak_ptr<const std::string> driver;  // the port whose direction it is
  };
  Pin& find(std::string_view point);
  static GpioLine& line(Pin& pin);
  static int edges_of(Pin& pin);
  void changed(Pin& pin);

  dtu::Host host_;
  std::map<std::string, Pin, std::less<>> pins_;  // by point
};

}  // namespace hal_linux
