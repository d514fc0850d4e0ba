// The error codes DTU servers know, and what a dtu_status is in them.
#pragma once
#include <dtu/abi.h>

#include <cstdint>
#include <string_view>

namespace command_dtu {

inline constexpr int sim_unreadable = 3001;
inline constexpr int password_missing = 5001;
inline constexpr int password_wrong = 5002;
inline constexpr int channel_failed = 5004;
inline constexpr int wrong_type = 5005;
inline constexpr int not_carried_out = 5006;  // "method error": the board, its state or the time did not allow it
inline constexpr int json_broken = 6001;
inline constexpr int json_unusable = 6002;
inline constexpr int too_much_data = 6004;
inline constexpr int unknown_command = 6005;

// code: the function code asked for; a failed SIM query has a number of its own.
[[nodiscard]] int error_code_of(dtu_status status, int64_t code) noexcept;
// A channel of this type lost its connection.
[[nodiscard]] int connect_error_of(std::string_view channel_type) noexcept;

}  // namespace command_dtu
