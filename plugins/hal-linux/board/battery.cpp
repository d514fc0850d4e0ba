#include "board/battery.hpp"

#include <dtu/sdk/json.hpp>

#include <array>
#include <cmath>
#include <system_error>

namespace hal_linux {
namespace {

constexpr const char* kPlace = "/sys/class/power_supply";
constexpr size_t kMostSupplies = 64;
constexpr double kMicrovoltsPerMv = 1000;

std::string file_of(const std::string& supply, const char* name) {
  return std::string(kPlace) + "/" + supply + "/" + name;
}

std::string text_in(const Tree& tree, const std::string& file) {
  const Tree::Text read = tree.read(file);
  if (!read.ok())
    throw dtu::Failure(read.error == ENOENT ? DTU_E_UNSUPPORTED : DTU_E_IO,
                       tree.path(file) + " cannot be read: " + std::generic_category().message(read.error));
  return read.text;
}

int64_t whole_in(const Tree& tree, const std::string& file, double per, double least, double most, const char* unit) {
  const std::string text = text_in(tree, file);
  double number = 0;
  if (!to_number(text, number) || number / per < least || number / per > most)
    throw dtu::Failure(DTU_E_IO, tree.path(file) + " is \"" + shown(text, 32) +
                                     "\": " + std::to_string(static_cast<int64_t>(least)) + " to " +
                                     std::to_string(static_cast<int64_t>(most)) + unit + " is possible");
  return std::llround(number / per);
}

void expect_present(const Tree& tree, const std::string& supply) {
  if (tree.read(file_of(supply, "present")).text == "0")
    throw dtu::Failure::retryable(DTU_E_IO, tree.path(file_of(supply, "present")) + " is 0: the battery is taken out");
}

}  // namespace

std::vector<std::string> find_batteries(const Tree& tree) {
  std::vector<std::string> names;
  for (const std::string& name : tree.entries(kPlace)) {
    if (names.size() == kMostSupplies) break;
    if (tree.read(file_of(name, "type")).text == "Battery" && tree.read(file_of(name, "scope")).text != "Device")
      names.push_back(name);
  }
  return names;
}

std::string choose_battery(const Tree& tree, const std::string& wanted) {
  const std::vector<std::string> all = wanted.empty() ? find_batteries(tree) : tree.entries(kPlace);
  std::string list;
  for (const std::string& name : all) {
    if (name == wanted) return name;
    if (list.size() < 100) list += (list.empty() ? "" : ", ") + shown(name, 32);
  }
  if (wanted.empty() && all.size() == 1) return all[0];
  if (!wanted.empty())
    throw dtu::Failure(DTU_E_IO, "no power supply " + shown(wanted, 32) + " in " + tree.path(kPlace) + ": " +
                                     (list.empty() ? "there is none" : "there are " + list));
  if (all.empty())
    throw dtu::Failure(DTU_E_UNSUPPORTED, "no battery in " + tree.path(kPlace) + ": no supply is of type Battery");
  throw dtu::Failure(DTU_E_IO,
                     std::to_string(all.size()) + " batteries: " + list + ": name one in \"battery\" of board.json");
}

std::string battery_mv(const Tree& tree, const std::string& supply) {
  constexpr double kLeast_mv = 1, kMost_mv = 100000;  // a gauge that knows nothing says 0
  expect_present(tree, supply);
  return std::to_string(whole_in(tree, file_of(supply, "voltage_now"), kMicrovoltsPerMv, kLeast_mv, kMost_mv, " mV"));
}

std::string battery_percent(const Tree& tree, const std::string& supply) {
  constexpr double kFull = 100;
  expect_present(tree, supply);
  return std::to_string(whole_in(tree, file_of(supply, "capacity"), 1, 0, kFull, " %"));
}

std::string battery_status(const Tree& tree, const std::string& supply) {
  struct Word {
    const char *theirs, *ours;
  };
  constexpr std::array kWords{Word{"Charging", "charging"}, Word{"Discharging", "discharging"},
                              Word{"Not charging", "not charging"}, Word{"Full", "full"}};
  expect_present(tree, supply);
  const std::string file = file_of(supply, "status"), text = text_in(tree, file);
  for (const Word& w : kWords)
    if (text == w.theirs) return dtu::quoted(w.ours);
  throw dtu::Failure::retryable(DTU_E_IO, tree.path(file) + " is \"" + shown(text, 32) + "\": not known");
}

}  // namespace hal_linux
