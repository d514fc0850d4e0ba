// What is known of each point, since when, or why it is not.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace hal_ec600 {

struct Value {
  std::string json;    // "": unknown
  std::string why;     // unknown, in words; "": nobody said
  int64_t at_ms = -1;  // when the modem last said it, or that it is unknown; -1: never
  [[nodiscard]] bool known() const noexcept { return !json.empty(); }
};

class Values {
 public:
  void set(std::string_view name, std::string json, int64_t now_ms, std::string why = {}) {
    Value& v = at(name);
    v.why = json.empty() ? std::move(why) : std::string();
    v.json = std::move(json);
    v.at_ms = now_ms;
  }
  // As if it had never been asked.
  void forget(std::string_view name, std::string why) { at(name) = Value{{}, std::move(why), -1}; }
  // What is unknown, and why, is asked anew.
  void forget_failures() {
    for (auto& [name, value] : values_)
      if (!value.known()) value = Value{};
  }
  [[nodiscard]] const Value& get(std::string_view name) const {
    static const Value nothing;
    const auto found = values_.find(name);
    return found == values_.end() ? nothing : found->second;
  }
  [[nodiscard]] const std::string& json(std::string_view name) const { return get(name).json; }

 private:
  Value& at(std::string_view name) {
    const auto found = values_.find(name);
    return found != values_.end() ? found->second : values_.emplace(std::string(name), Value{}).first->second;
  }
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace hal_ec600
