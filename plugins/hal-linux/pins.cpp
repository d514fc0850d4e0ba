#include "pins.hpp"

#include <algorithm>

namespace hal_linux {
namespace {

std::string point_of(uint64_t number) { return "gpio." + std::to_string(number); }

int level_of(std::string_view point, std::string_view json) {
  if (json != "0" && json != "1")
    throw dtu::Failure(DTU_E_INVALID, std::string(point) + " takes 0 or 1, not " + std::string(json.substr(0, 40)));
  return json == "1" ? 1 : 0;
}

}  // namespace

Pins::Pins(dtu::Host host, const std::vector<PinConfig>& pins) : host_(host) {
  for (const PinConfig& p : pins) pins_[point_of(p.number)].config = p;
}

void Pins::start() {
  for (auto& [point, pin] : pins_) {
    dtu_error e{};
    if (dtu::guarded(&e, [&pin = pin] { return (void)line(pin), DTU_OK; }) != DTU_OK) host_.error(e.message);
  }
}

void Pins::stop() {
  for (auto& [point, pin] : pins_) {
    for (const Await& a : pin.awaits) host_.reply_error(a.call, DTU_E_CLOSED, "the linux HAL was stopped");
    pin.awaits.clear();
    pin.watch.reset();
    pin.line.reset();
  }
}

void Pins::list(const std::function<void(const dtu_point_info&)>& each) const {
  for (const auto& [point, pin] : pins_) {
    const std::string title = "GPIO " + std::to_string(pin.config.number);
    each({sizeof(dtu_point_info), pin.config.output ? DTU_POINT_WRITABLE : 0U, dtu::str(point), {}, dtu::str(title)});
  }
}

Pins::Pin& Pins::find(std::string_view point) {
  const auto found = pins_.find(point);
  if (found == pins_.end()) throw dtu::Failure(DTU_E_NOT_FOUND, std::string(point) + " is not in board.json");
  return found->second;
}

GpioLine& Pins::line(Pin& pin) {
  if (!pin.line) pin.line = std::make_unique<GpioLine>(pin.config);
  return *pin.line;
}

int Pins::edges_of(Pin& pin) {
  GpioLine& l = line(pin);
  try {
    return l.watch_edges();
  } catch (const dtu::Failure& f) {
    if (f.code() != DTU_E_UNSUPPORTED) pin.line.reset();  // it could not be had again
    throw;
  }
}

void Pins::read(std::string_view point, uint64_t call) { host_.reply(call, std::to_string(line(find(point)).read())); }

void Pins::write(std::string_view point, std::string_view json, uint64_t call) {
  Pin& pin = find(point);
  const int level = level_of(point, json);
  if (!pin.config.output) throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(point) + " is an input");
  if (const auto port = pin.driver.lock())
    throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(point) + " is the direction pin of port " + *port);
  line(pin).write(level);
  host_.reply(call, json);
}

// The edges are taken before the level is read: one that comes between the two is told by the next event.
void Pins::await(std::string_view point, std::string_view json, uint64_t call) {
  constexpr size_t kMost = 64;
  Pin& pin = find(point);
  const int level = level_of(point, json);
  if (pin.config.output)
    throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(point) + " is an output: it changes when it is written");
  if (pin.awaits.size() >= kMost)
    throw dtu::Failure::retryable(DTU_E_IO, std::to_string(kMost) + " already wait for " + std::string(point));
  const int edges = edges_of(pin);
  if (!pin.watch) {
    pin.line->take_edges();
    pin.watch = std::make_unique<dtu::FdWatch>(host_, edges, DTU_FD_READ, [this, &pin](uint32_t) { changed(pin); });
  }
  pin.awaits.push_back({call, level});
  changed(pin);
}

void Pins::cancel(uint64_t call) {
  for (auto& [point, pin] : pins_) {
    const auto its = [call](const Await& a) { return a.call == call; };
    pin.awaits.erase(std::remove_if(pin.awaits.begin(), pin.awaits.end(), its), pin.awaits.end());
    if (pin.awaits.empty()) pin.watch.reset();
  }
}

void Pins::changed(Pin& pin) {
  int level = 0;
  dtu_error e{};
  const dtu_status status = dtu::guarded(&e, [&] {
    pin.line->take_edges();
    level = pin.line->read();
    return DTU_OK;
  });
  const auto over = [&](const Await& a) {
    if (status == DTU_OK && a.level == level) return false;
    if (status == DTU_OK)
      host_.reply(a.call, std::to_string(level));
    else
      host_.reply_error(a.call, status, e.message);
    return true;
  };
  pin.awaits.erase(std::remove_if(pin.awaits.begin(), pin.awaits.end(), over), pin.awaits.end());
  if (pin.awaits.empty()) pin.watch.reset();
  if (status != DTU_OK) pin.line.reset();  // its descriptor may be dead for good: taken anew when it is used
}

std::function<void(int)> Pins::drive(int32_t gpio, const std::string& port) {
  const std::string point = point_of(static_cast<uint64_t>(gpio));
  const auto found = pins_.find(point);
  const std::string pin_text = "the direction pin " + point;
  if (found == pins_.end())
    throw dtu::Failure(DTU_E_UNSUPPORTED,
                       pin_text + " is not in board.json: add it to \"gpio\", or name another in direction_pin");
  Pin& pin = found->second;
  if (!pin.config.output)
    throw dtu::Failure(DTU_E_UNSUPPORTED, pin_text + " is an input: set its \"direction\" to \"out\" in board.json");
  if (const auto other = pin.driver.lock())
    throw dtu::Failure(DTU_E_INVALID, pin_text + " is that of port " + *other + " already: choose another");
  const auto driver = std::make_shared<const std::string>(port);
  pin.driver = driver;
  return [&pin, driver](int level) { line(pin).write(level); };
}

}  // namespace hal_linux
