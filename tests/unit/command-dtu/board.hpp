// A board with everything, and a kernel that takes whatever it is told to change.
#pragma once
#include "rig.hpp"

namespace command_dtu::test {

inline constexpr const char* imei = "\"861681053233719\"";

inline void full_board(Rig& rig) {
  auto& host = rig.host;
  host.set_point("device.imei", imei);
  host.set_point("sim.number", "\"17201593988\"");
  host.set_point("device.version", "\"1.2.0\"");
  host.set_point("radio.csq", "17");
  host.set_point("sim.iccid", "\"12456465486561516515153\"");
  host.set_point("adc.0", "3.7", "V");
  host.set_point("adc.1", "1250", "mV");
  host.set_point("gpio.4", "1");
  host.set_point("gpio.5", "0");
  host.set_point("battery.mv", "3590");
  host.set_point("sensor.temperature", "26.0");
  host.set_point("sensor.humidity", "60.0");
  host.set_point("network.voice_state", "1");
  host.set_point("network.data_state", "5");
  host.set_point("network.cells", "[[0,14071232,1120]]");
  host.set_point("location.cell", "[117.1138,31.82279,550]");
  const auto answers = [&host](const char* name, const char* json) {
    host.on_command(name, [json](const dtu::test::Request&) { return dtu::test::Answer{DTU_OK, json}; });
  };
  answers("config.get", R"({"version":"100","password":"***"})");
  answers("config.change", R"({"stored":true,"version":"100"})");
  answers("channels.state", R"({"1":{"type":"tcp","state":"up","dtu_state":4},"2":{"type":"mqtt","state":"down"}})");
  answers("upgrade.state", R"({"step":"idle"})");
  for (const char* name :
       {"password.set", "protocol.stop", "protocol.start", "system.restart", "sms.send", "tts.say", "time.sync"})
    answers(name, "null");
}

}  // namespace command_dtu::test
