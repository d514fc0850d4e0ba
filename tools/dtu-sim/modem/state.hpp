// What the simulated module remembers. Commands and scripts read and write it.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "line.hpp"

namespace sim::modem {

// A restart of the module puts these back, as it does in a real one.
struct Settings {
  bool echo = true;
  int cmee = 0;
  std::array<int, 3> registration{0, 0, 0};  // n of CREG, CGREG, CEREG
  int cmgf = 0;
  std::array<int, 5> cnmi{0, 0, 0, 0, 0};
  std::string charset = "GSM";
  std::array<std::string, 3> storage{"SM", "SM", "SM"};  // CPMS: read, write, receive
  int operator_format = 0;
  bool csq_urc = false;  // AT+QINDCFG="csq",1
  int64_t rate = 0;      // AT+IPR; 0: follows the rate of the line
};

enum class SimState { ready, pin, puk, absent, busy };

struct SimCard {
  SimState state = SimState::ready;
  bool locked = false;  // asks for its PIN after each restart
  std::string pin = "1234";
  std::string puk = "12345678";
  int pin_tries = 3;
  int puk_tries = 10;
  std::string iccid = "89860012345678901234";
  std::string imsi = "460001234567890";
  std::string number = "+8613800000000";  // "" when the card does not know it
};

// Indexes of `registered`.
enum Domain { kVoice, kPacket, kEps };

struct Radio {
  int function = 1;                          // CFUN: 0, 1, 4
  std::array<int, 3> registered{1, 1, 1};    // stat of CREG, CGREG, CEREG, as AT commands tell it
  std::array<int, 3> with_network{1, 1, 1};  // what they are while the radio is on and the SIM is ready
  std::string area = "1C28";
  std::string cell = "06C4E907";
  int technology = 7;  // E-UTRAN
  std::string operator_name = "CHINA MOBILE";
  std::string operator_code = "46000";
  int csq = 20;
  int ber = 99;
  int rsrp = -88;
  int rsrq = -6;
  int sinr = 19;
  bool attached = true;
};

struct Supply {
  int status = 0;
  int percent = 75;
  int millivolt = 3890;
  std::array<std::optional<int>, 2> adc{632, 1250};  // none: the reading failed
  std::string temperature = "31,31,30";              // lines, as printed after "+QTEMP: "
};

struct Context {
  std::string type = "IP";
  std::string apn = "CMNET";
  std::string user;
  std::string password;
  int authentication = 0;
  bool active = false;
};

enum class SocketState { opening = 1, connected = 2, closing = 4 };

struct Socket {
  int context = 1;
  std::string service = "TCP";
  std::string host;
  int port = 0;
  int local_port = 0;
  int access = 0;  // 0 buffer, 1 push, 2 transparent
  SocketState state = SocketState::opening;
  std::unique_ptr<Line> peer;  // none: what is sent comes back
  std::string received;        // not read yet by the host
  bool announced = false;      // "recv" was said and the buffer was not emptied since
  uint64_t sent = 0;
};

struct ShortMessage {
  int status = 0;  // 0 received unread, 1 received read, 2 stored unsent, 3 stored sent
  std::string pdu;
  std::string sender;
  std::string text;
};

struct MessageStorage {
  size_t capacity = 50;
  std::map<int, ShortMessage> messages;  // by index
};

struct Messages {
  std::map<std::string, MessageStorage> storages{{"SM", {50, {}}}, {"ME", {23, {}}}};
  std::deque<ShortMessage> in_network;  // arrived while the storage was full or the SIM was not ready
  bool ready = true;                    // "SMS DONE" was said
  int reference = 0;                    // of the last message sent
  uint64_t sent = 0;
  std::optional<int> fail;  // the +CMS ERROR number of the next one sent
};

struct Gnss {
  bool on = false;
  int64_t on_since_ms = 0;
  int64_t search_ms = 500;
  int false_fixes = 1;  // how many readings are not a position yet, for each AT+QGPS=1
  int false_left = 0;
  bool lost = false;
};

struct Location {
  double latitude = 31.847649;
  double longitude = 117.200134;
  int accuracy = 50;
  std::string token;
  std::map<std::string, std::string> options{{"asynch", "0"},
                                             {"timeout", "60"},
                                             {"timeUpdate", "0"},
                                             {"withTime", "0"},
                                             {"latOrder", "0"},
                                             {"contextid", "1"},
                                             {"server", "www.queclocator.com:80"}};
  int code = 0;  // what AT+QLBS answers; 0: the place
  Gnss gnss;
};

struct Firmware {
  std::string next;  // the version after an update; "": the present one counted up
  int download_error = 0;
  int update_error = 0;
  int cut_download = -1;  // the power goes at this percentage
  int cut_update = -1;
  bool resume = true;       // an update that lost its power goes on after the start
  bool downloaded = false;  // waits for a restart
  int64_t step_ms = 20;     // between two lines of progress
};

struct State {
  Settings settings;
  SimCard sim;
  Radio radio;
  Supply supply;
  std::map<int, Context> contexts{{1, {}}};
  std::map<int, Socket> sockets;
  int socket_error = 0;
  Messages sms;
  Location location;
  Firmware firmware;
  std::string imei = "861234567890123";
  std::string version;
  std::string prompt = "\r\n> ";
  std::string own_port = "usbat";  // the one this program is
  std::string urc_port = "usbat";  // AT+QURCCFG; survives a restart
  std::optional<int64_t> clock_s;  // AT+CCLK, seconds since 1970 at clock_set_ms; none: never set
  int64_t clock_set_ms = 0;
};

}  // namespace sim::modem
