// The findings of one document: each path once, in the order of the text, with places.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/documents.hpp"
#include "config/explain.hpp"

namespace dtud::config {

class Report {
 public:
  Report(std::string_view text, std::string_view document);  // text: what passed check_syntax

  enum class Point { value, key };  // what a finding's line and column point to
  void error(const std::string& path, std::string message, Point point = Point::value);
  void warning(const std::string& path, std::string message, Point point = Point::value);
  void add(const std::vector<Problem>& problems);

  // Appends them to `findings`: at most 64, and then how many more there are.
  void give(Findings& findings) &&;

 private:
  void put(Finding::Severity severity, const std::string& path, std::string message, Point point);

  std::string_view text_;
  std::string document_;
  Findings found_;
  std::set<std::pair<std::string, Finding::Severity>> named_;
  size_t more_ = 0;
};

// Findings about `read`, which was made of `given` by replacing values: their places become those in `given`.
void place_in(std::string_view given, std::string_view read, Findings& findings);

}  // namespace dtud::config
