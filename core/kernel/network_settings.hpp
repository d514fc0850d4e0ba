// Brings the device document's apn to everybody who offers network.configure: once after each start, and when it
// changed. Main lane.
#pragma once
#include <optional>
#include <vector>

#include "commands/calls.hpp"
#include "commands/directory.hpp"
#include "config/documents.hpp"
#include "log/log.hpp"
#include "plugins/instance.hpp"

namespace dtud {

class NetworkSettings {
 public:
  NetworkSettings(Log& log, const commands::Directory& directory, commands::Calls& calls)
      : log_(log), directory_(directory), calls_(calls) {}

  void configure(const config::ApnConfig& apn);
  void offered_by(const plugins::Instance& board);  // it has started, and what it offers is in the directory
  void stopping(const plugins::Instance& board);
  // Somebody can set the access point, if not at this moment.
  [[nodiscard]] bool offered() const { return directory_.command(commands::kNetworkConfigure) != nullptr; }

 private:
  void tell(const plugins::Instance& board);
  [[nodiscard]] bool runs(const plugins::Instance* board) const;

  Log& log_;
  const commands::Directory& directory_;
  commands::Calls& calls_;
  std::optional<config::ApnConfig> apn_;          // none: the document is not read yet
  std::vector<const plugins::Instance*> boards_;  // running, with network.configure
};

}  // namespace dtud
