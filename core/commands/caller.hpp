// Who asks for a command. Made by dtud, which knows who it is: a plugin only says for whom it asks.
#pragma once
#include <dtu/commands.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace dtud::commands {

struct Caller {
  enum class Kind : uint32_t {
    self = DTU_CALLER_SELF,
    port = DTU_CALLER_PORT,
    channel = DTU_CALLER_CHANNEL,
    remote = DTU_CALLER_REMOTE,
    console = DTU_CALLER_CONSOLE,
    host = DTU_CALLER_HOST
  };
  Kind kind = Kind::host;
  uint64_t number = 0;          // the channel; of a port: its link
  uint64_t peer = 0;            // of a channel: which of its peers
  std::string name = "dtud";    // in the audit, the log and the lock-out: "console", "channel 3", "port 1", "hal sim"
  bool gave_password = false;   // the right one, for the call that is being answered
  std::string guard = {};       // under whose name wrong passwords are counted; "" = its own
  bool through_answer = false;  // what is asked is part of the answer to a call of it
  uint64_t call = 0;            // what a command of the kernel is asked with: for Calls::when_given_up()

  [[nodiscard]] const std::string& guesses_as() const { return guard.empty() ? name : guard; }
  // dtud itself, and a plugin for itself: no command is closed to them.
  [[nodiscard]] bool is_own() const { return kind == Kind::self || kind == Kind::host; }
  // Somebody outside: at a port, behind a channel, or whom a plugin speaks for.
  [[nodiscard]] bool is_outside() const { return kind == Kind::port || kind == Kind::channel || kind == Kind::remote; }
};

[[nodiscard]] inline Caller console_caller() { return {Caller::Kind::console, 0, 0, "console"}; }

// Why this is no name for somebody whom a plugin speaks for; "" = it is one: 1 to 64 bytes of printable UTF-8 without
// blanks around them.
[[nodiscard]] std::string wrong_remote_name(std::string_view name);
// dtud itself names somebody like this: "console", "channel 3", "Port 1", "hal sim".
[[nodiscard]] bool looks_like_ours(std::string_view name);

}  // namespace dtud::commands
