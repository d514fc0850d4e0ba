#include "prometheus.hpp"

#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace e2e {
namespace {

constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
constexpr const char* kNameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

bool is_name(const std::string& text) {
  return !text.empty() && text.find_first_not_of(kNameBytes) == std::string::npos &&
         std::string(kLetters).find(text[0]) != std::string::npos;
}

struct Sample {
  std::string name, value;
  std::map<std::string, std::string> labels;
};

// {a="b",c="d"} from `at` on; false: it is not written so.
bool read_labels(const std::string& line, size_t& at, Sample& to) {
  for (++at; at < line.size() && line[at] != '}';) {
    const size_t equals = line.find("=\"", at);
    if (equals == std::string::npos) return false;
    const std::string label = line.substr(at, equals - at);
    std::string value;
    for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\') {
        ++at;
        if (at == line.size() || std::string("\\\"n").find(line[at]) == std::string::npos) return false;
      }
      value += line[at];
    }
    if (!is_name(label) || at == line.size() || !to.labels.emplace(label, value).second) return false;
    ++at;
    if (at < line.size() && line[at] == ',') ++at;
  }
  return at < line.size() && line[at++] == '}';
}

bool read_sample(const std::string& line, Sample& to) {
  size_t at = line.find_first_of("{ ");
  if (at == std::string::npos) return false;
  to.name = line.substr(0, at);
  if (line[at] == '{' && !read_labels(line, at, to)) return false;
  if (at >= line.size() || line[at] != ' ') return false;
  to.value = line.substr(at + 1);
  char* end = nullptr;
  std::strtod(to.value.c_str(), &end);
  return is_name(to.name) && !to.value.empty() && *end == '\0';
}

class Checker {
 public:
  std::string check(const std::string& line) {
    if (line.compare(0, 7, "# HELP ") == 0) return help(line.substr(7));
    if (line.compare(0, 7, "# TYPE ") == 0) return type(line.substr(7));
    Sample sample;
    if (!read_sample(line, sample)) return "it is no sample";
    if (sample.name != family_ || type_.empty()) return "it does not follow HELP and TYPE of its family";
    for (const char* label : {"instance", "job"})
      if (sample.labels.count(label) != 0) return std::string("Prometheus sets the label ") + label + " itself";
    if (!series_.emplace(sample.name, sample.labels).second) return "the same sample was there before";
    return {};
  }

 private:
  std::string help(const std::string& rest) {
    family_ = rest.substr(0, rest.find(' '));
    type_.clear();
    if (!is_name(family_)) return "it is no name";
    if (rest.size() < family_.size() + 2) return "there is no help";
    return families_.insert(family_).second ? "" : "its family was there before";
  }
  std::string type(const std::string& rest) {
    std::istringstream words(rest);
    std::string name;
    words >> name >> type_;
    if (name != family_) return "it does not follow HELP of its family";
    if (type_ != "counter" && type_ != "gauge") return "it is neither counter nor gauge";
    const bool total = name.size() > 6 && name.compare(name.size() - 6, 6, "_total") == 0;
    return total == (type_ == "counter") ? "" : "counters end in _total, and only they";
  }

  std::string family_, type_;
  std::set<std::string> families_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> series_;
};

}  // namespace

std::string fault_of_metrics(const std::string& text) {
  if (text.empty() || text.back() != '\n') return "the last line has no end";
  Checker checker;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (const std::string fault = checker.check(line); !fault.empty()) return line + ": " + fault;
  return {};
}

}  // namespace e2e
