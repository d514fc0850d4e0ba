// The two documents dtud is configured by, read and checked: what the rest of the kernel works with.
//   board file   what the OEM decided: HALs, ports, plugins, keys. Never written from remote.
//   device file  the seeds' dtu_config.json: channels, ports, work mode, password.
#pragma once
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/checkup.hpp"
#include "config/finding.hpp"
#include "config/owned_keys.hpp"
#include "config/upgrade_config.hpp"

namespace dtud::config {

// isolate: it runs in a process of its own.
struct IsolateConfig {
  uint32_t memory_mb = 64;  // of data; 0: no bound
  uint32_t stall_s = 0;     // a call may take; 0: as its kind needs
  friend bool operator==(const IsolateConfig& a, const IsolateConfig& b) {
    return a.memory_mb == b.memory_mb && a.stall_s == b.stall_s;
  }
};

// A component the board file asks for: {"type": "linux", ...the rest is its configuration}.
struct ComponentConfig {
  std::string type;
  std::string json;  // validated against the component's schema, defaults filled in, "type" and "isolate" left out
  std::optional<IsolateConfig> isolate;
};

struct PluginsConfig {            // board.json, plugins
  std::vector<std::string> keys;  // as upgrade.keys: who may sign plugin files
  bool require_signed = false;    // others are not opened
  uint32_t folder_mb = 16;        // what an instance may keep in its folder (dtu.folder/1)
};

struct BoardConfig {
  std::vector<ComponentConfig> hal;
  std::optional<std::vector<ComponentConfig>> commands;  // absent: every command component found
  std::vector<std::string> plugin_path;                  // absolute; empty: the built-in search path
  PluginsConfig plugins;
  std::string device_file;
  std::string factory_file;  // device document of the first start and of a reset of the parameters; "": an empty one
  std::string state_dir;
  std::string control_socket;
  std::string runtime_dir;                // in memory; "": the folder of the control socket
  std::string reset = "restart";          // what system.restart does: "restart" dtud or "reboot" the board
  std::string initial_password = "imei";  // D10: "imei" (its last six digits) or "none"
  UpgradeConfig upgrade;
  std::vector<std::string> secret_paths, secrets;  // JSON pointers, and the texts there
  Product product;                                 // what its components claim and offer; with Schemas::check only
};

enum class Overflow { automatic, block, drop_oldest, drop_newest };  // automatic: block if the port can hold the sender

enum class Storage { off, on, always };  // offline_storage: what an outage keeps on disk

struct OutboxConfig {
  uint32_t messages = 4096;
  uint64_t bytes = 4U << 20U;
  Overflow overflow = Overflow::automatic;
  Storage storage = Storage::off;  // conf.<id>.offline_storage, else the document's
  uint64_t disk_bytes = 16U << 20U, disk_messages = 1'000'000;
  uint64_t max_message = 0;  // conf.<id>.max_message: bytes of a message at most; 0: no bound
};

// How a raw port's bytes are cut into messages; whichever comes first. All zero: each read is a message.
struct PacketConfig {
  uint32_t idle_chars = 0;  // a gap of so many characters ends a message
  uint32_t length = 0;      // so many bytes end a message
  std::string delimiter;    // these bytes end a message and stay in it
  uint32_t max = 4096;      // never longer than this, when one of the above is set
};

struct PortConfig {  // uconf.<n>
  std::string id;
  uint32_t baud = 115200, databits = 8, parity = 0, stopbits = 1, flow = 0;  // as dtu_port_settings
  // Of a character on the line, rounded up: start, data, parity and stop bits.
  [[nodiscard]] uint32_t bits_per_char() const {
    return 1 + databits + (parity != 0 ? 1 : 0) + (stopbits == 1 ? 1 : 2);
  }
  int32_t direction_gpio = -1;      // direction_pin.<n>: switches the RS-485 driver; -1 = none
  uint32_t direction_level = 1;     // while sending
  uint32_t gap_ms = 0;              // pause after the last bit of a message, before the next is written
  bool echo = false;                // the line echoes what is sent
  uint32_t downlink_max_age_s = 0;  // a message of a channel that waits longer is dropped; 0: it waits
  // DTR and RTS, masks of DTU_SIGNAL_...: those that are switched as the port opens and before it closes, and to what.
  struct Signals {
    uint32_t mask = 0, values = 0;
    friend bool operator==(const Signals& a, const Signals& b) { return a.mask == b.mask && a.values == b.values; }
  };
  Signals at_open, at_close;
  uint32_t silence_ms = 0;  // frame_idle_ms; 0: 20 ms or 20 characters, whichever is more
  std::string mode;         // dialect of its link: uconf.<n>.mode, else work_mode
  PacketConfig packet;
  std::string json;  // the whole of uconf.<n>, normalised
};

struct ChannelConfig {  // conf.<id>
  uint32_t id = 0;      // 1 to 98
  std::string type;     // protocol
  std::string port;     // serialID; "" = serves commands only, or (with an error) names no port of uconf
  OutboxConfig outbox;
  // reg (D13, D25): what goes first over a new connection; "" = the standard message, absent = nothing.
  std::optional<std::string> registration;
  bool register_once = false;  // reg_on "start": over the first connection only
  std::optional<IsolateConfig> isolate;
  std::string json;         // normalised and complete: what its component is created with
  std::string plugin_json;  // the same without what is the kernel's alone: a change of that leaves the component alone
  std::string masked_json;  // the same with secrets as "***"
};

struct SkippedChannel {  // conf.<id> that cannot run: no plugin for it, or wrong settings
  uint32_t id = 0;
  std::string type, port;  // as the document gives them; "" = not given
  std::string reason;      // "/conf/3/port: 70000 is above the maximum", all its errors, the first ones first
};

struct PinsConfig {  // pins: numbers of the board's GPIO pins; -1 = none
  int32_t led = -1, ready = -1, reset = -1;
  friend bool operator==(const PinsConfig& a, const PinsConfig& b) {
    return a.led == b.led && a.ready == b.ready && a.reset == b.reset;
  }
};

struct ApnConfig {  // apn, not masked
  std::string name, user, password;
  friend bool operator==(const ApnConfig& a, const ApnConfig& b) {
    return a.name == b.name && a.user == b.user && a.password == b.password;
  }
};

struct DeviceConfig {
  std::string work_mode;
  std::string version;   // of these parameters, as text; "" = not given
  std::string password;  // "" = none set
  bool auto_connect = true;
  bool quiet = false;                   // nolog is 0
  std::vector<PortConfig> ports;        // sorted by id
  uint32_t confirm_s = 120;             // a change that came over a channel must prove itself within so many seconds
  std::vector<ChannelConfig> channels;  // sorted by id
  PinsConfig pins;
  ApnConfig apn;
  std::string ota = "1";                // JSON: 0, 1, or the list of an upgrade cloud
  std::vector<SkippedChannel> skipped;  // sorted by id
  std::string scalars_json;  // the top-level keys dialects look at (modbus, those of plugins, ...), secrets masked
  OwnedKeys owned;           // the values of the keys that belong to plugins
  std::vector<std::string> secrets;  // JSON pointers of the secrets in `document`, sorted
  Poco::JSON::Object::Ptr document;  // everything, as stored (D11: nothing is dropped)
};

// What the reader must know of the installed plugins.
struct Schemas {
  // The JSON Schema of a component, or null when no plugin offers `type`.
  std::function<const char*(uint32_t kind, std::string_view type)> find;
  std::function<std::vector<std::string>(uint32_t kind)> types;  // for "nearest known"
  std::function<std::vector<std::string>()> dialects;            // names work_mode and uconf.<n>.mode may have
  // The ports the HALs of the board offer; nothing: a HAL does not tell before it runs. May be empty.
  std::function<std::optional<std::vector<std::string>>()> ports;
  // Asks a component about its configuration, which is as it would be created with. Nothing: it does not check.
  // Null: no component is asked (a start: create() says the same).
  std::function<std::optional<Checkup>(uint32_t kind, const std::string& type, const std::string& json, bool isolated)>
      check = nullptr;
  // BoardConfig::product with the keys of a document, for read_device; with `check`.
  std::function<Product(const OwnedKeys&)> board = nullptr;
  // Told before find(): a document names this type, to run in a process of its own or inside dtud. May be empty.
  std::function<void(uint32_t kind, std::string_view type, bool isolated)> uses = nullptr;
  // Who owns a top-level key of the device document; the names of all such keys that are installed; those the members
  // of the board and these channel types own. May be empty.
  std::function<std::vector<KeyOwner>(const std::string& key)> key_owners = nullptr;
  std::function<std::vector<std::string>()> keys = nullptr;
  std::function<std::vector<std::string>(const std::vector<std::string>& channel_types)> keys_in_use = nullptr;
};

// Limits of any document: 1 MiB, 32 levels, 20,000 values, 1,000 keys an object. Findings are appended; nothing is
// thrown. A board with an error is no board. A device document is read as far as it can be used, for a DTU must come up
// with the channels it can: a channel with an error is left out (`skipped`), an unknown key ignored; it is absent only
// when the JSON is broken or a key of the whole device has a wrong value. Whoever takes a new document asks has_errors.
std::optional<BoardConfig> read_board(std::string_view text, std::string_view file, const Schemas&, Findings&);
// The configuration of a command component that the board file does not name: its defaults. Nothing when its schema
// wants to be told more: then `error` says what.
[[nodiscard]] std::optional<std::string> default_config(const std::string& command_type, const Schemas&,
                                                        std::string& error);
std::optional<DeviceConfig> read_device(std::string_view text, std::string_view file, const Schemas&, Findings&);

// The device document as others may see it: secrets as "***" (D9).
[[nodiscard]] std::string masked(const DeviceConfig&);
// The text of a board file with the secrets of its components as "***"; "" when it is no JSON.
[[nodiscard]] std::string masked(std::string_view text, const BoardConfig&);
// Its secrets, for whoever keeps them out of texts.
[[nodiscard]] std::vector<std::string> secret_values(const DeviceConfig&);
// Puts the stored secret wherever `text` has "***" (D9), so that get, edit, set works; all else, and the lines, stay
// as they are. A "***" with nothing stored in its place stays too: read_device refuses it. On bad JSON: findings, "".
[[nodiscard]] std::string unmask(std::string_view text, const DeviceConfig& stored, Findings&);

}  // namespace dtud::config
