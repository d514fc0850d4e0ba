#include "scenarios.hpp"

namespace dtu::check {

const std::vector<Scenario>& all_scenarios() {
  static const std::vector<Scenario> all{
      {"one life", Scenario::plain, nullptr, false, life::plain},
      {"use", Scenario::plain, nullptr, true, life::use},
      {"created and destroyed", Scenario::ordering, "life.destroy-without-start", true, life::not_started},
      {"stopped without a start", Scenario::ordering, "life.stop-without-start", true, life::stopped_unstarted},
      {"destroyed right after stop()", Scenario::ordering, "life.destroy-at-once", true, life::destroyed_at_once},
      {"stopped twice", Scenario::ordering, "life.stop-twice", true, life::stopped_twice},
      {"three lives", Scenario::ordering, "life.restart", true, life::restarted},
      {"two instances", Scenario::ordering, "life.two-instances", true, life::two_instances},
      {"checked without an instance", Scenario::plain, nullptr, true, life::checked_alone},
      {"no room for what is emitted", Scenario::plain, nullptr, true, strain::pressure},
      {"stopped under load", Scenario::ordering, "life.under-load", true, strain::under_load},
      {"secrets", Scenario::plain, nullptr, true, strain::secrets},
      {"broken configurations", Scenario::provoking, "config.broken", true, strain::broken_configurations},
      {"many messages", Scenario::plain, nullptr, true, strain::messages},
      {"many lives", Scenario::plain, nullptr, true, strain::rounds},
  };
  return all;
}

const Scenario& refusal_scenario() {
  static const Scenario scenario{"refused", Scenario::ordering, "host.refusal", true, strain::refusal};
  return scenario;
}

}  // namespace dtu::check
