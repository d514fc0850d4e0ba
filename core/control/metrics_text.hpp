// Prometheus' text exposition format, version 0.0.4.
#pragma once
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dtud::control {

class MetricsText {
 public:
  using Label = std::pair<std::string, std::string>;  // name, value
  using Labels = std::vector<Label>;

  // One sample. The samples of a name are put together whatever order they come in; its help and type are those of the
  // first. A name or label name that Prometheus would refuse gets '_' for each bad character.
  void counter(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  void gauge(std::string_view name, std::string_view help, double value, const Labels& labels = {});

  // Samples that were left out: of a name that has another type, or with the name and labels of one before. Prometheus
  // would refuse the whole text for them.
  [[nodiscard]] size_t conflicts() const { return conflicts_; }
  [[nodiscard]] std::string take();  // the text; begins anew

 private:
  struct Family {
    std::string name, head, samples;
    const char* type;
  };
  void add(const char* type, std::string_view name, std::string_view help, double value, const Labels& labels);

  std::vector<Family> families_;  // in the order of their first sample
  std::map<std::string, size_t, std::less<>> index_;
  std::set<std::string> series_;  // names with their labels
  size_t conflicts_ = 0;
};

}  // namespace dtud::control
