// Firmware in two copies, A and B, as an upgradable board has it: what is installed goes into the copy that does not
// run, is tried at the next start, and stays only if it is marked good before the one after that. A start of dtud
// counts as a start of the board. Kept in dtu.kv/1.
#pragma once
#include <dtu/sdk/component.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "config.hpp"

namespace hal_sim {

class Firmware {
 public:
  // version: of a board that was never upgraded.
  Firmware(dtu::Host host, FirmwareConfig config, std::string version);

  void boot();  // once, when the HAL starts
  void end();   // answers an installation under way
  [[nodiscard]] const std::string& version() const { return versions_.at(runs_); }

  [[nodiscard]] std::string facts() const;  // throws when it is to fail
  void install(const dtu_firmware_image& image, uint64_t call);
  [[nodiscard]] int32_t progress(uint64_t call) const;
  void cancel(uint64_t call);
  void mark_good(std::string_view kind);

 private:
  void step();
  void keep();
  void load();

  dtu::Host host_;
  const FirmwareConfig config_;
  std::array<std::string, 2> versions_;
  size_t runs_ = 0;
  bool tried_ = false;  // the other copy is to be tried at the next start
  bool confirmed_ = true, rolled_back_ = false;
  std::string package_;  // version of the package

  struct Installing {
    uint64_t call;
    std::string kind, version;
    int32_t percent;
  };
  std::optional<Installing> installing_;
  std::optional<dtu::Timer> timer_;
};

}  // namespace hal_sim
