#include "config.hpp"

#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <sstream>

namespace hal_sim {
namespace {

using Object = Poco::JSON::Object;

std::string to_text(const Poco::Dynamic::Var& value) {
  std::ostringstream out;
  Poco::JSON::Stringifier::stringify(value, out);
  return out.str();
}

}  // namespace

Config read_config(std::string_view json) {
  const auto root = Poco::JSON::Parser().parse(std::string(json)).extract<Object::Ptr>();
  Config c;
  c.read_delay_ms = root->optValue("read_delay_ms", c.read_delay_ms);
  c.drift = root->optValue("drift", c.drift);
  if (const Object::Ptr points = root->getObject("points"))
    for (const auto& [name, value] : *points) c.points[name] = to_text(value);
  if (const Poco::JSON::Array::Ptr absent = root->getArray("absent"))
    for (const auto& name : *absent) c.absent.push_back(name.extract<std::string>());
  if (const Object::Ptr ports = root->getObject("ports"))
    for (const auto& [id, value] : *ports) {
      const auto port = value.extract<Object::Ptr>();
      c.ports.push_back({id, port->optValue<std::string>("link", ""), port->optValue<std::string>("title", "")});
    }
  if (const Object::Ptr firmware = root->getObject("firmware")) {
    c.firmware.fail = firmware->optValue<std::string>("fail", "");
    c.firmware.install_ms = firmware->optValue("install_ms", c.firmware.install_ms);
    c.firmware.restart = firmware->optValue("restart", c.firmware.restart);
  }
  return c;
}

}  // namespace hal_sim
