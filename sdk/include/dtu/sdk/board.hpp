// What a board serves for dtud, as commands (docs/names.md): firmware.*, with the event firmware.progress, and
// network.configure. A component derives from these beside dtu::CommandsIface, and hands on its list and its calls:
//
//   void list_commands(const Each& each) override { list_firmware(each); list_network(each); }
//   dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller&) override {
//     if (invoke_firmware(call, name, args) || invoke_network(call, name, args)) return DTU_OK;
//     throw dtu::Failure(DTU_E_NOT_FOUND, ...);
//   }
//
// Not part of sdk.hpp: include it where it is used.
#pragma once
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/events.hpp>
#include <dtu/sdk/json.hpp>

namespace dtu {

// For T::events of a board that installs. Told while it installs; percent -1: not known, or nothing is installed.
constexpr dtu_event_info firmware_progress_event = state_event("firmware.progress", "How far an installation is",
                                                               R"({"type": "object", "required": ["percent"],
  "properties": {"percent": {"type": "integer", "minimum": -1, "maximum": 100}}})");
inline void tell_firmware_progress(const Events& events, int percent) {
  events.publish(firmware_progress_event.name, "{\"percent\": " + std::to_string(percent) + "}");
}

// Kept from everybody but dtud and plugins; several boards may offer it.
constexpr uint32_t board_command = DTU_COMMAND_INTERNAL | DTU_COMMAND_SHARED;
inline dtu_command_info board_command_info(const char* name, const char* title, const char* schema, bool changes) {
  const uint32_t flags = board_command | (changes ? DTU_COMMAND_CHANGES : 0U);
  return {sizeof(dtu_command_info), flags, str(name), str(title), str(schema), nullptr, 0};
}

struct FirmwareImage {
  std::string kind;     // one of those the facts named: "firmware", "package"
  std::string file;     // absolute path; the file stays as it is until the call is answered
  uint64_t size = 0;    // in bytes
  std::string sha256;   // 64 small letters and digits: what is written has to have it
  std::string version;  // "": the order did not say
};

// [lane] In each: the answer is given by host->reply(call), now or later; a Failure is the answer.
class FirmwareCommands {
 public:
  virtual ~FirmwareCommands() = default;
  // What can be installed and what runs, by kind: {"firmware": {"version": "1.4.0", "slot": "A", "confirmed": true,
  // "rolled_back": false}}. All members may be left out. version: of what runs. slot: names the copy that runs, where
  // there are several. confirmed false: the board goes back to the one before at a restart, unless it is marked good
  // first. rolled_back true: it did so at the last restart.
  virtual void firmware_facts(uint64_t call) = 0;
  // Installs; what runs now stays untouched until the restart. What is written is hashed: another size or SHA-256 than
  // that of the image is a failure. It may be asked again after a power cut in the middle. The answer: {"restart":
  // "dtud" | "board" | "none"}, what it takes to run it; "" or null = as board.json says.
  virtual void install_firmware(const FirmwareImage& image, uint64_t call) = 0;
  // What runs is good, and is what runs after the next restart too.
  virtual void mark_firmware_good(std::string_view kind, uint64_t /*call*/) {
    throw Failure(DTU_E_UNSUPPORTED, std::string(kind) + " needs no mark here");
  }
  // The installation is not wanted any more. It is still answered: as failed or, if it was too late, as done.
  virtual void cancel_firmware(uint64_t /*call*/) {
    throw Failure(DTU_E_UNSUPPORTED, "this board cannot stop an installation");
  }

 protected:
  static void list_firmware(const CommandsIface::Each& each) {
    each(board_command_info("firmware.facts", "Installed firmware", "", false));
    each(board_command_info("firmware.install", "Install a file", kInstall, true));
    each(board_command_info("firmware.mark_good", "Keep the running firmware", kMarkGood, true));
    each(board_command_info("firmware.cancel", "Stop an installation", "", true));
  }
  // False: it is none of these.
  bool invoke_firmware(uint64_t call, std::string_view name, std::string_view args) {
    if (name == "firmware.facts") return firmware_facts(call), true;
    if (name == "firmware.cancel") return cancel_firmware(call), true;
    if (name != "firmware.install" && name != "firmware.mark_good") return false;
    const Json given(args);
    if (name == "firmware.mark_good") return mark_firmware_good(given["kind"].text(), call), true;
    FirmwareImage image;
    image.kind = given["kind"].text();
    image.file = given["file"].text();
    image.size = static_cast<uint64_t>(given["size"].integer());
    image.sha256 = given["sha256"].text();
    image.version = given["version"].text();
    return install_firmware(image, call), true;
  }

 private:
  static constexpr const char* kInstall = R"({"type": "object", "required": ["kind", "file", "size", "sha256"],
  "properties": {
    "kind": {"type": "string", "minLength": 1, "maxLength": 32, "title": "What is installed"},
    "file": {"type": "string", "pattern": "^/", "maxLength": 4096, "title": "Absolute path of the file"},
    "size": {"type": "integer", "minimum": 0, "title": "Size in bytes"},
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "title": "SHA-256 of the file"},
    "version": {"type": "string", "maxLength": 64, "title": "Version of the file"}}})";
  static constexpr const char* kMarkGood = R"({"type": "object", "required": ["kind"],
  "properties": {"kind": {"type": "string", "minLength": 1, "maxLength": 32, "title": "What runs and is good"}}})";
};

struct NetworkSettings {
  std::string apn;  // "": the one the SIM or the operator gives
  std::string user, password;
};

class NetworkCommands {
 public:
  virtual ~NetworkCommands() = default;
  // [lane] Once after every start, and whenever the settings change. May drop and dial the data connection again.
  // Answered as those above. The password belongs into no log and no answer.
  virtual void configure_network(const NetworkSettings& settings, uint64_t call) = 0;

 protected:
  static void list_network(const CommandsIface::Each& each) {
    each(board_command_info("network.configure", "Set the access point of the mobile network", kConfigure, true));
  }
  bool invoke_network(uint64_t call, std::string_view name, std::string_view args) {
    if (name != "network.configure") return false;
    const Json given(args);
    return configure_network({given["apn"].text(), given["user"].text(), given["password"].text()}, call), true;
  }

 private:
  static constexpr const char* kConfigure = R"({"type": "object", "required": ["apn", "user", "password"],
  "properties": {
    "apn": {"type": "string", "title": "Access point; empty: the operator's"},
    "user": {"type": "string", "title": "User"},
    "password": {"type": "string", "title": "Password", "writeOnly": true}}})";
};

}  // namespace dtu
