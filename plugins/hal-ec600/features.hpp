// What this variant of the modem can do: found by the test form of each command, kept until another modem is there.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "at_engine.hpp"

namespace hal_ec600 {

enum class Feature { battery, signal, adc, temperature, cells, network_info, gnss, locator, pin_counter, urc_port };
constexpr size_t kFeatures = 10;

class Features {
 public:
  enum class State { unknown, there, lacking };

  [[nodiscard]] bool has(Feature f) const noexcept { return states_.at(index(f)) == State::there; }
  [[nodiscard]] bool lacks(Feature f) const noexcept { return states_.at(index(f)) == State::lacking; }
  // "EC600U has no QTEMP"
  [[nodiscard]] std::string lack(Feature f) const;
  // Of the test form: "(0,1)" of QADC.
  [[nodiscard]] const std::string& range(Feature f) const { return ranges_.at(index(f)); }

  // The model the modem names itself by; another one than before makes all unknown.
  void set_model(std::string model);
  [[nodiscard]] const std::string& model() const noexcept { return model_; }

  // The next one to ask about: its test form and the form of the answer. "": none is unknown.
  struct Test {
    Feature feature;
    const char* command;
    const char* form;
  };
  [[nodiscard]] const Test* next_test() const;
  // A refusal says that it lacks, but for want of a SIM; silence says nothing. Both are asked again after the next
  // start.
  void tested(Feature f, const AtResult& result);
  [[nodiscard]] static bool is_refusal(const AtResult& result) noexcept;
  void ask_again_what_was_silent() { silent_ = {}; }

 private:
  static size_t index(Feature f) noexcept { return static_cast<size_t>(f); }
  std::string model_;
  std::array<State, kFeatures> states_{};
  std::array<bool, kFeatures> silent_{};
  std::array<std::string, kFeatures> ranges_;
};

}  // namespace hal_ec600
