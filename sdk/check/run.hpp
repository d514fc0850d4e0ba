// The whole check of one file, run by the parent: what goes into which child, and what its end means.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "child.hpp"
#include "job.hpp"
#include "options.hpp"
#include "rules.hpp"
#include "scenarios.hpp"

namespace dtu::check {

struct Result {
  std::string cannot;  // why the file cannot be checked; "" = it was
  std::vector<Finding> findings;
  std::vector<std::string> checked;  // components
};

class Run {
 public:
  using Progress = std::function<void(const std::string& what)>;
  Run(const Options& options, Progress progress);
  Result go();

 private:
  struct Component {
    std::string name, schema;
    size_t index = 0;
  };
  [[nodiscard]] std::vector<Component> load();
  void check(const Component& component);
  // Nothing: there is no configuration to check with, and that was said.
  [[nodiscard]] bool configure(const Component& component, Job& job);
  [[nodiscard]] std::string given_config(const std::string& component) const;
  // The component's scenario in a child; its findings are written down. False: it died.
  bool play(const Scenario& scenario, const Job& job, std::map<std::string, std::string>& facts);
  [[nodiscard]] bool outlives(const std::string& component) const;
  void take(const Scenario& scenario, const Job& job, const Outcome& outcome);
  void death(const Scenario& scenario, const Job& job, const Outcome& outcome);
  void output(const Job& job, const std::string& during, const Outcome& outcome);
  void say(const std::string& rule, const std::string& component, const std::string& during, const std::string& what);
  [[nodiscard]] Patience patience() const;

  const Options& options_;
  const Progress progress_;
  std::unique_ptr<Trail, Trail::Unmap> trail_;
  Result result_;
  std::set<std::string> deaths_;                                               // component and function
  std::map<std::pair<std::string, std::string>, std::set<std::string>> said_;  // by component and rule: what
};

}  // namespace dtu::check
