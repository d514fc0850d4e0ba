// The AT port by USB id and interface, on a made sysfs (field-troubles A5).
#include "usb_port.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "far_end.hpp"

namespace hal_ec600::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct UsbPortTest : testing::Test {
  dtu::test::TempDir dir;
  UsbConfig usb{"2c7c:0901", 2, dir / "sys", dir / "dev"};
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(dir / path).parent_path());
    std::ofstream(dir / path) << text << "\n";
  }
  void device(const std::string& name, const std::string& vendor, const std::string& product) {
    write("sys/bus/usb/devices/" + name + "/idVendor", vendor);
    write("sys/bus/usb/devices/" + name + "/idProduct", product);
  }
  std::string interface(const std::string& device, const std::string& number) {
    const std::string path = "sys/bus/usb/devices/" + device + ":1." + number;
    write(path + "/bInterfaceNumber", "0" + number);
    return path;
  }
};

TEST_F(UsbPortTest, A5FoundByInterfaceUnderWhateverName) {
  device("usb1", "1d6b", "0002");
  device("1-1", "2c7c", "0901");
  fs::create_directories(dir / (interface("1-1", "1") + "/ttyUSB0"));
  const std::string at = interface("1-1", "2");
  fs::create_directories(dir / (at + "/ttyUSB2"));
  EXPECT_EQ(find_usb_port(usb).device, dir / "dev/ttyUSB2");
  fs::remove(dir / (at + "/ttyUSB2"));
  fs::create_directories(dir / (at + "/ttyUSB5"));
  EXPECT_EQ(find_usb_port(usb).device, dir / "dev/ttyUSB5");
  fs::remove(dir / (at + "/ttyUSB5"));
  fs::create_directories(dir / (at + "/tty/ttyACM1"));
  EXPECT_EQ(find_usb_port(usb).device, dir / "dev/ttyACM1") << "as cdc-acm puts it";
}

TEST_F(UsbPortTest, A5WhatIsMissingIsSaid) {
  EXPECT_THAT(find_usb_port(usb).trouble, HasSubstr("no USB device 2c7c:0901"));
  device("1-1", "2c7c", "0901");
  EXPECT_THAT(find_usb_port(usb).trouble, HasSubstr("has no interface 2"));
  const std::string at = interface("1-1", "2");
  EXPECT_THAT(find_usb_port(usb).trouble, HasSubstr("no driver bound to interface 2"));
  fs::create_directories(dir / (at + "/driver"));
  EXPECT_THAT(find_usb_port(usb).trouble, HasSubstr("is no serial port"));
}

}  // namespace
}  // namespace hal_ec600::test
