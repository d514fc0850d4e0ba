#include "usb_port.hpp"

#include <filesystem>
#include <fstream>

#include "at_text.hpp"

namespace hal_ec600 {
namespace {

namespace fs = std::filesystem;

constexpr int kMostDevices = 256;

std::string read_word(const fs::path& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

template <typename Each>
void each_entry(const fs::path& folder, Each&& each) {
  std::error_code none;
  int seen = 0;
  for (fs::directory_iterator at(folder, none), end; !none && at != end && seen < kMostDevices;
       at.increment(none), ++seen)
    each(at->path());
}

// usb-serial: <interface>/ttyUSB2; cdc-acm: <interface>/tty/ttyACM0
std::string tty_of(const fs::path& interface) {
  std::string name;
  const auto look = [&name](const fs::path& path) {
    const std::string file = path.filename().string();
    if (file.compare(0, 3, "tty") == 0 && file.size() > 3) name = file;
  };
  each_entry(interface, look);
  if (name.empty()) each_entry(interface / "tty", look);
  return name;
}

}  // namespace

UsbPort find_usb_port(const UsbConfig& usb) {
  const fs::path devices = fs::path(usb.sysfs) / "bus/usb/devices";
  const std::string number = std::to_string(usb.interface);
  fs::path device, interface;
  each_entry(devices, [&](const fs::path& path) {
    if (device.empty() && read_word(path / "idVendor") + ":" + read_word(path / "idProduct") == usb.id) device = path;
  });
  if (device.empty()) return {{}, "no USB device " + usb.id + ": plug the modem in, or correct \"usb\" in board.json"};
  const std::string begin = device.filename().string() + ":";
  const auto look = [&](const fs::path& path) {
    if (path.filename().string().compare(0, begin.size(), begin) != 0) return;
    const auto found = at_hex(read_word(path / "bInterfaceNumber"));
    if (found && *found == static_cast<int64_t>(usb.interface)) interface = path;
  };
  each_entry(devices, look);
  if (interface.empty()) each_entry(device, look);
  if (interface.empty())
    return {{}, "USB device " + usb.id + " has no interface " + number + ": correct \"usb\" in board.json"};
  std::error_code none;
  const std::string tty = tty_of(interface);
  if (tty.empty() && !fs::exists(interface / "driver", none))
    return {{},
            "no driver bound to interface " + number + " of USB device " + usb.id +
                ": the option driver may need its id (new_id), or the interface is another one"};
  if (tty.empty())
    return {{},
            "interface " + number + " of USB device " + usb.id + " is no serial port: correct \"usb\" in board.json"};
  return {(fs::path(usb.dev) / tty).string(), {}};
}

}  // namespace hal_ec600
