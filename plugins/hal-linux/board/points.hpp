// The points of the board that are files of the kernel or texts of board.json: adc.N, sensor.*, battery.*, device.*.
#pragma once
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/worker.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "board/config.hpp"
#include "board/tree.hpp"

namespace hal_linux {

// [lane]
class BoardPoints {
 public:
  // Looks what there is. A point is listed if board.json maps it, or if there is something it may be.
  BoardPoints(dtu::Host host, const BoardConfig& config);

  void start();  // warns of points that fit several inputs
  void stop();   // answers who waits

  void list(const std::function<void(const dtu_point_info&)>& each) const;
  [[nodiscard]] bool has(std::string_view point) const { return points_.find(point) != points_.end(); }
  // As dtu.points/1 has it: a thread reads, for a driver may take its time.
  void read(std::string_view point, uint64_t call);

 private:
  using Read = std::function<std::string()>;  // JSON; throws a dtu::Failure. On the thread
  struct Point {
    std::string unit, title;
    Read read;
  };
  void add_adc();
  void add_sensor(const char* point, const char* unit, const char* title, const SourceConfig& config);
  void add_battery();
  void add_identity();

  dtu::Host host_;
  const BoardConfig config_;
  const Tree tree_;
  std::map<std::string, Point, std::less<>> points_;
  std::vector<std::string> ambiguous_;  // what start() warns of
  std::vector<uint64_t> open_;          // calls that are not answered
  dtu::Worker worker_;                  // goes before what its jobs use
};

}  // namespace hal_linux
