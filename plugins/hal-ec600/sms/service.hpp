// Everything about SMS of the modem, for the HAL: the commands sms.send and sms.list, the event sms.received, commands
// by SMS. The key `sms` of the configuration:
//   "sms": {"wait_parts_s": 600, "commands_from": ["+8613800138000"]}
#pragma once
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/json.hpp>

#include <map>
#include <string>
#include <string_view>

#include "commander.hpp"
#include "inbox.hpp"
#include "outbox.hpp"

namespace hal_ec600::sms {

Inbox::Settings read_settings(const dtu::Json& sms);  // of the key, which the schema has checked

class Service {
 public:
  Service(dtu::Host host, AtEngine& engine, Inbox::Settings settings);

  static void list_commands(const dtu::CommandsIface::Each& each);
  bool invoke(uint64_t call, std::string_view name, std::string_view args);  // false: it is none of these
  void cancel(uint64_t call);

  void ready() { inbox_.ready(); }  // as those of Inbox
  void gone() { inbox_.gone(); }
  void look() { inbox_.look(); }
  void stop();
  [[nodiscard]] std::string health() const;  // a JSON object

 private:
  void send(uint64_t call, std::string_view args);

  dtu::Host host_;
  Outbox outbox_;
  Commander commander_;
  Inbox inbox_;
  std::map<uint64_t, uint64_t> sending_;  // what the outbox calls it, by call
};

}  // namespace hal_ec600::sms
