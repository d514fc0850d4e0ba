#include "features.hpp"

namespace hal_ec600 {
namespace {

// In the order of Feature.
constexpr std::array<Features::Test, kFeatures> kTests{{{Feature::battery, "AT+CBC=?", "+CBC: *"},
                                                        {Feature::signal, "AT+QCSQ=?", "+QCSQ: *"},
                                                        {Feature::adc, "AT+QADC=?", "+QADC: *"},
                                                        {Feature::temperature, "AT+QTEMP=?", "+QTEMP: *"},
                                                        {Feature::cells, "AT+QENG=?", "+QENG: *"},
                                                        {Feature::network_info, "AT+QNWINFO=?", "+QNWINFO: *"},
                                                        {Feature::gnss, "AT+QGPS=?", "+QGPS: *"},
                                                        {Feature::locator, "AT+QLBS=?", "+QLBS: *"},
                                                        {Feature::pin_counter, "AT+QPINC=?", "+QPINC: *"},
                                                        {Feature::urc_port, "AT+QURCCFG=?", "+QURCCFG: *"}}};

// Refused for want of a SIM, not of the command.
bool is_of_sim(int cme) {
  constexpr int kLast = 18;  // SIM PUK2 required
  return cme >= kCmeSimMissing && cme <= kLast;
}

}  // namespace

std::string Features::lack(Feature f) const {
  const std::string_view command = kTests.at(index(f)).command;
  return (model_.empty() ? std::string("this modem") : model_) + " has no " +
         std::string(command.substr(3, command.size() - 5));
}

void Features::set_model(std::string model) {
  if (model == model_) return;
  model_ = std::move(model);
  states_ = {};
  ranges_ = {};
}

const Features::Test* Features::next_test() const {
  for (const Test& t : kTests)
    if (states_.at(index(t.feature)) == State::unknown && !silent_.at(index(t.feature))) return &t;
  return nullptr;
}

bool Features::is_refusal(const AtResult& result) noexcept {
  return result.end == AtEnd::error || (result.end == AtEnd::cme && !is_of_sim(result.code));
}

void Features::tested(Feature f, const AtResult& result) {
  if (result.ok()) {
    states_.at(index(f)) = State::there;
    ranges_.at(index(f)) = result.lines.empty() ? std::string() : result.lines.front();
  } else if (is_refusal(result)) {
    states_.at(index(f)) = State::lacking;
  } else {
    silent_.at(index(f)) = true;
  }
}

}  // namespace hal_ec600
