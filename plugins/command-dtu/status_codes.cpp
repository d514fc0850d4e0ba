#include "status_codes.hpp"

namespace command_dtu {
namespace {

struct StatusRow {
  dtu_status status;
  int error_code;
};
constexpr StatusRow status_rows[] = {
    {DTU_E_DENIED, password_missing}, {DTU_E_WRONG_PASSWORD, password_wrong},
    {DTU_E_LOCKED, password_wrong},   {DTU_E_NOT_FOUND, unknown_command},
    {DTU_E_INVALID, wrong_type},
};

struct ChannelRow {
  std::string_view type;
  int error_code;
};
constexpr ChannelRow channel_rows[] = {
    {"http", 4001},   {"tcp", 4003},   {"udp", 4004},       {"mqtt", 4005},
    {"aliyun", 4006}, {"txyun", 4007}, {"quecthing", 4010},
};

}  // namespace

int error_code_of(dtu_status status, int64_t code) noexcept {
  for (const StatusRow& row : status_rows)
    if (row.status == status) return row.error_code;
  const bool asks_sim = code == 1 || code == 6;  // phone number, ICCID
  return asks_sim && status != DTU_E_STOPPED ? sim_unreadable : not_carried_out;
}

int connect_error_of(std::string_view channel_type) noexcept {
  for (const ChannelRow& row : channel_rows)
    if (row.type == channel_type) return row.error_code;
  return channel_failed;
}

}  // namespace command_dtu
