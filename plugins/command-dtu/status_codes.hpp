// The error codes DTU servers know, and what a dtu_status is in them. Codes of success (20000 to 20006) are no errors:
// "status": 1 says it. Codes a channel alone can tell (4002, 4009, 5000, ...) come in protocol_code of its error.
#pragma once
#include <dtu/abi.h>

#include <cstdint>
#include <string_view>

namespace command_dtu {

inline constexpr int sim_unreadable = 3001;
inline constexpr int frame_broken = 4008;
inline constexpr int password_missing = 5001;
inline constexpr int password_wrong = 5002;
inline constexpr int channel_unknown = 5004;
inline constexpr int wrong_type = 5005;
inline constexpr int not_carried_out = 5006;  // "method error": the board, its state or the time did not allow it
inline constexpr int not_handed_over = 5007;
inline constexpr int wrong_number = 5009;  // of parameters: one is missing, or a list is too short or too long
inline constexpr int json_broken = 6001;
inline constexpr int json_unusable = 6002;
inline constexpr int too_much_data = 6004;
inline constexpr int unknown_command = 6005;

// Of a failed call. protocol_code: of its dtu_error; what it says wins. code: the function code asked for; a failed SIM
// query has a number of its own.
[[nodiscard]] int error_code_of(dtu_status status, uint32_t protocol_code, int64_t code) noexcept;
// A channel of this type has no connection. protocol_code as above.
[[nodiscard]] int connect_error_of(std::string_view channel_type, uint32_t protocol_code) noexcept;

}  // namespace command_dtu
