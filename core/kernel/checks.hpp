// What a start of dtud would find in the documents, found without a start: by the schemas, and by the components
// themselves (dtu_ops.check). For dtud --check and for every document that is taken while dtud runs. Main lane.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "config/documents.hpp"
#include "kernel/components.hpp"
#include "lanes/lane.hpp"
#include "plugins/killers.hpp"

namespace dtud {

class Checks {
 public:
  // alone: dtud --check, which nobody minds to see crash.
  Checks(Lane& lane, Components& components, plugins::Killers& killers, bool alone)
      : lane_(lane), components_(components), killers_(killers), alone_(alone) {}

  // The board file, whose components are asked anew for each document: what they need may have come or gone.
  void board_is(std::string text, std::string file);
  // Those of Components, with the components asked too. Valid as long as this object.
  [[nodiscard]] config::Schemas schemas();

 private:
  [[nodiscard]] std::optional<config::Checkup> ask(uint32_t kind, const std::string& type, const std::string& json,
                                                   bool isolated);
  [[nodiscard]] std::optional<config::Checkup> ask(const Components::Found& found, uint32_t kind,
                                                   const std::string& type, const std::string& json, bool isolated);
  [[nodiscard]] std::optional<config::Checkup> ask_apart(const Components::Found& found, const std::string& type,
                                                         const std::string& json);
  [[nodiscard]] config::Product board(const config::OwnedKeys& owned);

  struct Answered {
    std::string type, json;
    int64_t until_ns;
    std::optional<config::Checkup> checkup;
  };

  Lane& lane_;
  Components& components_;
  plugins::Killers& killers_;
  const bool alone_;
  std::string board_text_, board_file_;
  config::OwnedKeys owned_;                // of the document that was read last
  std::deque<Answered> answered_;          // by processes
  std::map<std::string, uint32_t> names_;  // for the stall watch, which may look at one later; numbers of CallPage
};

}  // namespace dtud
