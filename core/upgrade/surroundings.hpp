// What the steps of an upgrade need of the rest of dtud. Main lane; what is answered later comes from the lane's loop,
// not within the call.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "commands/answer.hpp"
#include "log/log.hpp"

namespace dtud::upgrade {

// What runs of a kind: firmware.facts of docs/names.md.
struct Facts {
  std::string version, slot;
  bool confirmed = true, rolled_back = false;
};
using FactsByKind = std::map<std::string, Facts>;

// What is to be installed, as it was verified: the installer refuses another size or SHA-256.
struct Image {
  std::string kind, file, sha256, version;
  uint64_t size = 0;
};

enum class Health { unproven, proven };

class Surroundings {
 public:
  Surroundings() = default;
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;
  virtual ~Surroundings() = default;

  [[nodiscard]] virtual int64_t now_ns() = 0;  // monotonic
  [[nodiscard]] virtual int64_t unix_s() = 0;
  [[nodiscard]] virtual std::string boot_id() = 0;  // changes when the machine starts anew
  [[nodiscard]] virtual uint32_t random() = 0;
  virtual void wake_at(int64_t ns) = 0;  // Upgrade::wake() then; 0: not at all
  // Runs the job where it may wait for the disk, then calls then(its result). Jobs keep their order.
  virtual void on_disk(std::function<bool()> job, std::function<void(bool)> then) { then(job()); }
  virtual void changed(bool step) = 0;  // step false: only how far it is
  virtual void say(Level level, const std::string& text) = 0;

  // The errand of dtu-fetch, one at a time: Upgrade::errand_said and errand_ended follow.
  [[nodiscard]] virtual std::string begin_errand(const std::string& job) = 0;  // "" or why not
  virtual void end_errand() = 0;                                               // it may end in order
  virtual void drop_errand() = 0;                                              // at once, nothing more is heard of it

  // Of all boards that run. An answer in time is sure.
  virtual void facts(std::function<void(const FactsByKind&)> done) = 0;
  virtual void install(const Image& image, uint32_t seconds, commands::Done done) = 0;  // Upgrade::progressed follows
  // False: it cannot be. Else the installation is still answered; `done` says whether the board takes the wish.
  [[nodiscard]] virtual bool cancel_install(commands::Done done) = 0;
  virtual void mark_good(const std::string& kind, commands::Done done) = 0;
  virtual void read_point(const std::string& name, std::function<void(std::optional<double>)> done) = 0;
  [[nodiscard]] virtual std::optional<uint64_t> free_bytes(const std::string& folder) = 0;
  // how: "dtud", "board", "" = as board.json says. What is queued as answers goes out first.
  virtual void restart(const std::string& how) = 0;
  [[nodiscard]] virtual std::string restart_rule() = 0;  // what "" means: "dtud" or "board"
  [[nodiscard]] virtual Health health() = 0;
};

}  // namespace dtud::upgrade
