#include "config.hpp"

#include <Poco/JSON/Parser.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dtu/sdk/text.hpp>

#include <array>
#include <filesystem>
#include <map>
#include <utility>

namespace hal_linux {
namespace {

using Object = Poco::JSON::Object;

Rs485Config read_rs485(const Object& o) {
  Rs485Config c;
  c.kernel = o.optValue<std::string>("mode", "off") == "kernel";
  c.rts_on_send = o.optValue("rts_on_send", c.rts_on_send);
  c.delay_before_ms = o.optValue("delay_before_ms", c.delay_before_ms);
  c.delay_after_ms = o.optValue("delay_after_ms", c.delay_after_ms);
  c.rx_during_tx = o.optValue("rx_during_tx", c.rx_during_tx);
  return c;
}

PortConfig read_port(const std::string& id, const Object& o) {
  PortConfig p;
  p.id = id;
  p.device = o.getValue<std::string>("device");
  p.title = o.optValue<std::string>("title", "");
  if (const Object::Ptr rs485 = o.getObject("rs485")) p.rs485 = read_rs485(*rs485);
  p.low_latency = o.optValue("low_latency", p.low_latency);
  return p;
}

struct BiasWord {
  const char* word;
  Bias bias;
};
constexpr std::array kBiases{BiasWord{"as-is", Bias::as_is}, BiasWord{"disabled", Bias::disabled},
                             BiasWord{"pull-down", Bias::pull_down}, BiasWord{"pull-up", Bias::pull_up}};

PinConfig read_pin(const std::string& number, const Object& o) {
  PinConfig p;
  p.number = static_cast<uint32_t>(std::stoul(number));
  p.chip = o.getValue<std::string>("chip");
  p.line = o.getValue<uint32_t>("line");
  p.active_low = o.optValue("active_low", p.active_low);
  p.output = o.optValue<std::string>("direction", "in") == "out";
  p.initial = o.optValue("initial", p.initial);
  const auto word = o.optValue<std::string>("bias", kBiases[0].word);
  for (const BiasWord& b : kBiases)
    if (word == b.word) p.bias = b.bias;
  return p;
}

std::vector<std::string> read_program(const std::string& kind, const Object& o, const char* key) {
  std::vector<std::string> argv;
  if (const Poco::JSON::Array::Ptr words = o.getArray(key))
    for (const auto& word : *words) argv.push_back(word.extract<std::string>());
  if (!argv.empty() && argv[0].compare(0, 1, "/") != 0)
    throw dtu::Failure(DTU_E_INVALID, "/installers/" + kind + "/" + key + ": \"" + argv[0] +
                                          "\" is no absolute path: name the program from / on")
        .at("/installers/" + kind + "/" + key);
  return argv;
}

InstallerConfig read_installer(const std::string& kind, const Object& o) {
  InstallerConfig c;
  c.kind = kind;
  c.install = read_program(kind, o, "install");
  c.facts = read_program(kind, o, "facts");
  c.mark_good = read_program(kind, o, "mark_good");
  c.version_file = o.optValue<std::string>("version_file", "");
  c.restart = o.optValue<std::string>("restart", "");
  c.timeout_s = o.optValue("timeout_s", c.timeout_s);
  return c;
}

// No two entries may name one thing.
class Taken {
 public:
  Taken(const char* what, const char* each) : what_(what), each_(each) {}
  void take(const std::string& thing, const std::string& id) {
    const auto [other, fresh] = by_.emplace(thing, id);
    if (!fresh)
      throw dtu::Failure(DTU_E_INVALID, std::string(what_) + " " + other->second + " and " + id + " both name " +
                                            thing + ": give each " + each_ + " of its own in board.json");
  }

 private:
  const char *what_, *each_;
  std::map<std::string, std::string> by_;
};

}  // namespace

Config read_config(std::string_view json) {
  const auto root = Poco::JSON::Parser().parse(std::string(json)).extract<Object::Ptr>();
  Config config;
  Taken devices("ports", "port a device"), lines("gpio pins", "pin a line");
  if (const Object::Ptr ports = root->getObject("ports"))
    for (const auto& [id, value] : *ports) {
      config.ports.push_back(read_port(id, *value.extract<Object::Ptr>()));
      devices.take(config.ports.back().device, id);
    }
  if (const Object::Ptr pins = root->getObject("gpio"))
    for (const auto& [number, value] : *pins) {
      const PinConfig& p = config.pins.emplace_back(read_pin(number, *value.extract<Object::Ptr>()));
      lines.take(p.chip + " line " + std::to_string(p.line), number);
    }
  if (const Object::Ptr installers = root->getObject("installers"))
    for (const auto& [kind, value] : *installers)
      config.installers.push_back(read_installer(kind, *value.extract<Object::Ptr>()));
  config.board = read_board(*root);
  return config;
}

namespace {

// Two names of one device are one: /dev/serial/by-id/... is a link.
std::string real_name(const std::string& device) {
  std::error_code none;
  const auto name = std::filesystem::canonical(device, none);
  return none ? device : name.string();
}

// USB adapters come and go, so what is not there is no error.
void expect(const std::string& file, const std::string& path, const char* advice, const dtu::Findings& found) {
  std::error_code unreadable;
  if (!std::filesystem::exists(file, unreadable) && !unreadable)
    found.warning(path, file + " is not there now: " + advice);
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISREG(mode)) return "a plain file";
  if (S_ISBLK(mode)) return "a disk";
  return S_ISCHR(mode) ? "a device" : S_ISFIFO(mode) ? "a pipe" : "a socket";
}

// A character device of another kind. Nothing is opened: the kernel names the class of what it knows, and of a pty it
// names none.
bool is_other_device(dev_t number) {
  constexpr unsigned kMemory = 1;  // /dev/null, /dev/zero: Documentation/admin-guide/devices.txt
  if (major(number) == kMemory) return true;
  std::error_code none;
  const auto subsystem = std::filesystem::canonical(
      "/sys/dev/char/" + std::to_string(major(number)) + ":" + std::to_string(minor(number)) + "/subsystem", none);
  return !none && subsystem.filename() != "tty";
}

// What stands in the place of a tty; "": a tty, or what may be one, or nothing that can be seen.
const char* no_tty(const std::string& device) {
  struct stat st {};
  if (::stat(device.c_str(), &st) != 0) return "";
  if (S_ISCHR(st.st_mode)) return is_other_device(st.st_rdev) ? "a device that is no tty" : "";
  return kind_of(st.st_mode);
}

void expect_program(const std::string& file, const std::string& path, const dtu::Findings& found) {
  expect(file, path, "install the program, or correct its path", found);
  struct stat st {};
  if (::stat(file.c_str(), &st) != 0) return;
  if (!S_ISREG(st.st_mode))
    found.error(path, file + " is " + kind_of(st.st_mode) + ", no program: correct its path");
  else if ((st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
    found.error(path, file + " may be run by nobody: chmod +x makes it a program");
}

}  // namespace

void check_config(std::string_view json, const dtu::Findings& found) {
  const Config config = read_config(json);
  if (config.ports.empty()) found.offer("/ports", "port:");
  for (const PortConfig& p : config.ports) {
    const std::string path = "/ports/" + p.id + "/device";
    found.offer(path, "port:" + p.id);
    found.claim(path, "device:" + real_name(p.device));
    expect(p.device, path, "plug it in, or correct the device", found);
    if (const std::string other = no_tty(p.device); !other.empty())
      found.error(path, p.device + " is " + other + ": name a tty, such as /dev/ttyS0 or /dev/serial/by-id/...");
  }
  for (const char* none : {"gpio:", "output:"}) found.offer("/gpio", none);
  for (const PinConfig& p : config.pins) {
    const std::string number = std::to_string(p.number);
    const std::string path = "/gpio/" + number + "/";
    found.offer(path + "line", "gpio:" + number);
    if (p.output) found.offer(path + "line", "output:" + number);
    found.claim(path + "line", "gpio-line:" + real_name(p.chip) + ":" + std::to_string(p.line));
    expect(p.chip, path + "chip", "gpiodetect lists the chips", found);
    struct stat st {};
    if (::stat(p.chip.c_str(), &st) == 0 && !S_ISCHR(st.st_mode))
      found.error(path + "chip", p.chip + " is " + kind_of(st.st_mode) + ": name a GPIO chip, such as /dev/gpiochip0");
  }
  check_board(config.board, found);
  found.offer("", "network:");  // a modem is another HAL's
  if (config.installers.empty()) found.offer("/installers", "firmware:");
  for (const InstallerConfig& i : config.installers) {
    found.offer("/installers/" + i.kind, "firmware:" + i.kind);
    for (const auto& [key, program] : {std::pair("install", i.install), {"facts", i.facts}, {"mark_good", i.mark_good}})
      if (!program.empty()) expect_program(program.front(), "/installers/" + i.kind + "/" + key, found);
    if (i.facts.empty() && !i.version_file.empty())
      expect(i.version_file, "/installers/" + i.kind + "/version_file", "the version that runs is not known without it",
             found);
  }
}

}  // namespace hal_linux
