#include "scenarios.hpp"

namespace dtu::check {

const std::vector<Scenario>& all_scenarios() {
  static const std::vector<Scenario> all{
      {"one life", nullptr, false, life::plain},
      {"use", nullptr, true, life::use},
      {"created and destroyed", "life.destroy-without-start", true, life::not_started},
      {"stopped without a start", "life.stop-without-start", true, life::stopped_unstarted},
      {"destroyed right after stop()", "life.destroy-at-once", true, life::destroyed_at_once},
      {"stopped twice", "life.stop-twice", true, life::stopped_twice},
      {"three lives", "life.restart", true, life::restarted},
      {"reconfigured", "life.reconfigure", true, life::reconfigured},
      {"two instances", "life.two-instances", true, life::two_instances},
      {"no room for what is emitted", nullptr, true, strain::pressure},
      {"stopped under load", "life.under-load", true, strain::under_load},
      {"secrets", nullptr, true, strain::secrets},
      {"broken configurations", "config.broken", false, strain::broken_configurations},
      {"many lives", nullptr, true, strain::rounds},
  };
  return all;
}

const Scenario& refusal_scenario() {
  static const Scenario scenario{"refused", "host.refusal", true, strain::refusal};
  return scenario;
}

}  // namespace dtu::check
