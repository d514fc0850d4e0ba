// The pieces a component is checked in, each in a child of its own.
#pragma once
#include <memory>
#include <vector>

#include "bench.hpp"

namespace dtu::check {

// What a scenario works with. It makes benches, mostly one, and leaves them to the end of the process, when a thread
// that should be gone may still hold on to them.
struct Stage {
  Wire& wire;
  Trail& trail;
  const Part& part;
  Job job;
  std::vector<std::unique_ptr<Bench>>& benches;

  Bench& bench() { return *benches.emplace_back(std::make_unique<Bench>(wire, trail, part, job)); }
};

struct Scenario {
  const char* name;
  enum Kind {
    plain,      // what is found is what it is, and so is a death
    provoking,  // a death breaks its rule
    ordering,   // so does every error that was not found in ordinary use
  } kind;
  const char* rule;  // null: plain
  bool after_use;    // only if the instance could be used: else it would say the same again
  void (*run)(Stage&);
};

[[nodiscard]] const std::vector<Scenario>& all_scenarios();

// One more, once for each host function the component called: job.refused.
[[nodiscard]] const Scenario& refusal_scenario();

// The scenarios by file.
namespace life {
void plain(Stage&);
void use(Stage&);
void not_started(Stage&);
void stopped_unstarted(Stage&);
void destroyed_at_once(Stage&);
void stopped_twice(Stage&);
void restarted(Stage&);
void two_instances(Stage&);
void checked_alone(Stage&);
}  // namespace life
namespace strain {
void pressure(Stage&);
void under_load(Stage&);
void secrets(Stage&);
void broken_configurations(Stage&);
void refusal(Stage&);
void messages(Stage&);
void rounds(Stage&);
}  // namespace strain

}  // namespace dtu::check
