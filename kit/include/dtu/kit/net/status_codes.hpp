// The DTU protocol's status codes that errors of these channels carry (dtu_error.protocol_code).
#pragma once
#include <cstdint>

namespace net {

constexpr uint32_t kTcpConnectFailed = 4003;
constexpr uint32_t kUdpConnectFailed = 4004;
constexpr uint32_t kSendFailed = 5007;

}  // namespace net
