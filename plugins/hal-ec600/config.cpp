#include "config.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>

#include "data/service.hpp"

namespace hal_ec600 {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

}  // namespace

Config read_config(std::string_view text) {
  const dtu::Json json(text);
  Config c;
  c.at_device = json["at_device"].text();
  if (const dtu::Json usb = json["usb"]; usb.exists()) {
    c.usb.emplace();
    c.usb->id = lower(usb["id"].text());
    c.usb->interface = static_cast<uint32_t>(usb["interface"].integer());
    c.usb->sysfs = usb["sysfs"].text(c.usb->sysfs);
    c.usb->dev = usb["dev"].text(c.usb->dev);
  }
  if (c.at_device.empty() != c.usb.has_value())
    throw dtu::Failure(DTU_E_INVALID, c.usb ? "at_device and usb both name the AT port: leave one of them out"
                                            : "the AT port is missing: add at_device, such as \"/dev/ttyUSB2\", or usb")
        .at(c.usb ? "/at_device" : "");
  c.baud = static_cast<uint32_t>(json["baud"].integer(c.baud));
  c.poll_s = static_cast<uint32_t>(json["poll_s"].integer(c.poll_s));
  c.pin = json["pin"].text();
  c.reset_point = json["reset_point"].text();
  c.reset_level = json["reset_level"].integer(1) != 0;
  c.urc_port = json["urc_port"].text();
  c.gnss = json["gnss"].flag(c.gnss);
  c.lbs_token = json["lbs_token"].text();
  c.at_commands = json["at_commands"].flag(c.at_commands);
  return c;
}

void check_config(std::string_view json, const dtu::Findings& found) {
  const Config c = read_config(json);
  for (const char* none : {"port:", "gpio:", "output:", "firmware:"}) found.offer("", none);
  found.offer("", "network:apn");
  data::check(data::read_settings(dtu::Json(json)["data"]), found);
  if (!c.at_device.empty()) found.claim("/at_device", "device:" + c.at_device);
  if (c.usb) found.claim("/usb", "usb-interface:" + c.usb->id + ":" + std::to_string(c.usb->interface));
}

}  // namespace hal_ec600
