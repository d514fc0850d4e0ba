// The values of the simulated board.
#pragma once
#include <dtu/sdk/component.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "config.hpp"

namespace hal_sim {

// A value moved by `wave` of its steps.
using Drift = std::string (*)(const std::string& value, int wave);

// What may be written; empty: nothing.
struct Range {
  int min = 0, max = -1;
  [[nodiscard]] bool writable() const { return max >= min; }
};

class BoardPoints {
 public:
  using Changed = std::function<void(const std::string& name, const std::string& json)>;

  // Throws DTU_E_INVALID when `absent` names something a simulated board never has.
  explicit BoardPoints(const Config& config);

  // Told after every change of a value, except by drift.
  void on_change(Changed changed) { changed_ = std::move(changed); }

  void list(const std::function<void(const dtu_point_info&)>& each) const;
  std::string read(std::string_view name);  // JSON; throws DTU_E_UNSUPPORTED or DTU_E_NOT_FOUND
  void write(std::string_view name, std::string_view json);
  void set(const std::string& name, std::string json);  // from inside the board
  void add(const std::string& name, std::string title, std::string json, Range range = {});
  // The value now, without drift; throws as read() does, and where a value cannot be written and so never awaited.
  [[nodiscard]] const std::string& peek(std::string_view name);
  [[nodiscard]] bool is_absent(std::string_view name) const;

 private:
  struct Point {
    std::string unit, title, value;
    Drift drift = nullptr;  // null: never drifts
    uint32_t reads = 0;
    Range range;
    bool absent = false;
  };
  using Points = std::map<std::string, Point, std::less<>>;

  Point& find(std::string_view name);
  Points::iterator add_numbered(const std::string& name);

  Points points_;
  bool drift_;
  Changed changed_;
};

}  // namespace hal_sim
