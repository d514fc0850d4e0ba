// One instance goes over to other code: what it has under way is finished, it is stopped, another takes its name, its
// place and what waits, and has to work as well as it did. Should it not, turn_back() puts the former code back the
// same way. Main lane.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "commands/calls.hpp"
#include "kernel/device.hpp"
#include "plugins/context.hpp"
#include "plugins/inbox.hpp"
#include "plugins/instance.hpp"
#include "routing/handover.hpp"

namespace dtud {

class InstanceMove {
 public:
  struct Parts {
    plugins::Context& context;
    routing::Router& router;
    Device& device;
    commands::Directory& directory;
    commands::Calls& calls;
  };
  struct Code {
    const plugins::LoadedComponent* component = nullptr;
    std::string plugin_id;
    std::string config;  // valid JSON of the component's schema
  };
  enum class Progress { going, done, failed };

  // slot: whose instance it is; it must stay where it is. ready_ms: how long the new one may take until it works.
  InstanceMove(Parts parts, plugins::InstancePtr& slot, Code to, uint32_t ready_ms);
  InstanceMove(const InstanceMove&) = delete;
  InstanceMove& operator=(const InstanceMove&) = delete;
  ~InstanceMove();  // whatever stage it is at, its owner has an instance

  // Asked every few milliseconds until it is not going any more.
  Progress step();
  // After it failed: back to the code it came from. step() says when that is over, and whether it works again.
  void turn_back();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& why() const { return why_; }  // it failed
  [[nodiscard]] const Code& from() const { return from_; }
  [[nodiscard]] const Code& to() const { return to_; }
  [[nodiscard]] plugins::Instance& instance() const { return *slot_; }
  [[nodiscard]] int64_t took_ms() const { return (ended_ns_ - began_ns_) / 1'000'000; }
  // The instance works as well as it did before: "" or what is wrong. Also asked after it is done.
  [[nodiscard]] std::string trouble() const;
  // What the new one did since it was made that no build may do, "" = nothing: threw, held its lane, flooded, died.
  [[nodiscard]] std::string misdeed() const;
  // Messages wait, although it works, and none of them was brought to an end since it was made: which; "" = not so.
  [[nodiscard]] std::string owed() const;

  // From Kernel: the run of an instance is over, its handle still there. True: what it offers stays in the directory.
  bool stopped(plugins::Instance& instance);

 private:
  enum class Stage { draining, collecting, stopping, waiting, over };
  void stop();
  void replace();
  [[nodiscard]] uint64_t count_misdeeds(std::string* last) const;
  [[nodiscard]] uint64_t count_handled(uint64_t* waiting) const;
  Progress fail(std::string why);
  Progress settle(Progress result);

  const Parts parts_;
  plugins::InstancePtr& slot_;
  const std::string name_;
  const Code from_, to_;
  const uint32_t ready_ms_;
  std::unique_ptr<routing::Handover> handover_;
  std::deque<KeptMessage> waiting_;  // taken from it, not yet passed on
  bool was_wanted_ = false, was_well_ = false, back_ = false;
  bool was_stuck_ = false;               // the one before did not bring to an end what it had either
  uint64_t misdeeds_ = 0, handled_ = 0;  // when the new one was made
  Stage stage_ = Stage::draining;
  int64_t began_ns_ = 0, ended_ns_ = 0, deadline_ns_ = 0;
  std::string why_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // for what is told later
};

}  // namespace dtud
