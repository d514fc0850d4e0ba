// "--key value" pairs up to "--"; what follows is a command to start.
#pragma once
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

class Options {
 public:
  Options(int argc, char** argv, int first) {
    int i = first;
    for (; i < argc && std::string(argv[i]) != "--"; i += 2) {
      const std::string key = argv[i];
      if (key.rfind("--", 0) != 0 || i + 1 >= argc) throw std::runtime_error("expected --key value, got " + key);
      values_[key.substr(2)] = argv[i + 1];
    }
    for (++i; i < argc; ++i) command_.emplace_back(argv[i]);
  }

  [[nodiscard]] std::string text(const std::string& key) const {
    const auto it = values_.find(key);
    if (it == values_.end()) throw std::runtime_error("--" + key + " is missing");
    return it->second;
  }
  [[nodiscard]] int64_t number(const std::string& key) const { return std::stoll(text(key)); }
  [[nodiscard]] int64_t number(const std::string& key, int64_t otherwise) const {
    return values_.count(key) != 0 ? number(key) : otherwise;
  }
  // "12,13" as numbers; none when the key is absent.
  [[nodiscard]] std::vector<int> numbers(const std::string& key) const {
    std::vector<int> out;
    if (values_.count(key) == 0) return out;
    const std::string list = text(key);
    for (size_t at = 0; at < list.size();) {
      const size_t end = std::min(list.find(',', at), list.size());
      out.push_back(std::stoi(list.substr(at, end - at)));
      at = end + 1;
    }
    return out;
  }
  [[nodiscard]] const std::vector<std::string>& command() const { return command_; }

 private:
  std::map<std::string, std::string> values_;
  std::vector<std::string> command_;
};

}  // namespace bench
