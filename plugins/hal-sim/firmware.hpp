// Firmware in two copies, A and B, as an upgradable board has it: what is installed goes into the copy that does not
// run, is tried at the next start, and stays only if it is marked good before the one after that. A start of dtud
// counts as a start of the board. Kept in dtu.kv/1.
#pragma once
#include <dtu/sdk/board.hpp>
#include <dtu/sdk/sha256.hpp>

#include <array>
#include <fstream>
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
  void install(const dtu::FirmwareImage& image, uint64_t call);
  void cancel();
  void cancel(uint64_t call);  // if that is the installation under way
  void mark_good(std::string_view kind);

 private:
  void step();
  void write_up_to(uint64_t bytes);
  [[nodiscard]] std::string why_damaged();
  void finish();
  void fail(dtu_status status, const std::string& why);
  void keep();
  void load();

  dtu::Host host_;
  const dtu::Events events_{host_};
  const FirmwareConfig config_;
  std::array<std::string, 2> versions_;
  size_t runs_ = 0;
  bool tried_ = false;  // the other copy is to be tried at the next start
  bool confirmed_ = true, rolled_back_ = false;
  std::string package_;  // version of the package

  struct Installing {
    uint64_t call;
    dtu::FirmwareImage image;
    std::string version;
    std::ifstream file;
    dtu::Sha256 written;
    uint64_t bytes = 0;
    int32_t percent = 0;
  };
  std::optional<Installing> installing_;
  std::optional<dtu::Timer> timer_;
};

}  // namespace hal_sim
