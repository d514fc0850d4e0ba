#include "config.hpp"

#include <Poco/JSON/Parser.h>

#include <dtu/sdk/text.hpp>
#include <map>

namespace hal_linux {
namespace {

using Object = Poco::JSON::Object;

Rs485Config read_rs485(const Object& o) {
  Rs485Config c;
  c.kernel = o.optValue<std::string>("mode", "off") == "kernel";
  c.rts_on_send = o.optValue("rts_on_send", c.rts_on_send);
  c.delay_before_ms = o.optValue("delay_before_ms", c.delay_before_ms);
  c.delay_after_ms = o.optValue("delay_after_ms", c.delay_after_ms);
  return c;
}

PortConfig read_port(const std::string& id, const Object& o) {
  PortConfig p;
  p.id = id;
  p.device = o.getValue<std::string>("device");
  p.title = o.optValue<std::string>("title", "");
  if (const Object::Ptr rs485 = o.getObject("rs485")) p.rs485 = read_rs485(*rs485);
  return p;
}

}  // namespace

std::vector<PortConfig> read_config(std::string_view json) {
  const auto root = Poco::JSON::Parser().parse(std::string(json)).extract<Object::Ptr>();
  std::vector<PortConfig> ports;
  const Object::Ptr listed = root->getObject("ports");
  if (!listed) return ports;
  std::map<std::string, std::string> port_of_device;
  for (const auto& [id, value] : *listed) {
    PortConfig p = read_port(id, *value.extract<Object::Ptr>());
    const auto [other, fresh] = port_of_device.emplace(p.device, id);
    if (!fresh)
      throw dtu::Failure(DTU_E_INVALID, "ports " + other->second + " and " + id + " both name " + p.device +
                                            ": give each port a device of its own in board.json");
    ports.push_back(std::move(p));
  }
  return ports;
}

}  // namespace hal_linux
