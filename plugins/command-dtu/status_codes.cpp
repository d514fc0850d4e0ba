#include "status_codes.hpp"

#include <algorithm>

namespace command_dtu {
namespace {

struct StatusRow {
  dtu_status status;
  int error_code;
};
constexpr StatusRow status_rows[] = {
    {DTU_E_DENIED, password_missing}, {DTU_E_WRONG_PASSWORD, password_wrong},
    {DTU_E_LOCKED, password_wrong},   {DTU_E_NOT_FOUND, unknown_command},
    {DTU_E_INVALID, wrong_type},      {DTU_E_STOPPED, not_carried_out},
    {DTU_AGAIN, not_carried_out},
};

struct ChannelRow {
  std::string_view type;
  int error_code;
};
constexpr ChannelRow channel_rows[] = {
    {"http", 4001},   {"tcp", 4003},   {"udp", 4004},       {"mqtt", 4005},
    {"aliyun", 4006}, {"txyun", 4007}, {"quecthing", 4010}, {"hwyun", 4011},
};

constexpr int64_t sim_queries[] = {1, 6};  // phone number, ICCID

}  // namespace

int error_code_of(dtu_status status, uint32_t protocol_code, int64_t code) noexcept {
  if (protocol_code != 0) return static_cast<int>(protocol_code);
  for (const StatusRow& row : status_rows)
    if (row.status == status) return row.error_code;
  const bool asks_sim = std::find(std::begin(sim_queries), std::end(sim_queries), code) != std::end(sim_queries);
  return asks_sim ? sim_unreadable : not_carried_out;
}

int connect_error_of(std::string_view channel_type, uint32_t protocol_code) noexcept {
  if (protocol_code != 0) return static_cast<int>(protocol_code);
  for (const ChannelRow& row : channel_rows)
    if (row.type == channel_type) return row.error_code;
  return channel_unknown;  // "through-channel error": a cloud the list of codes does not know
}

}  // namespace command_dtu
