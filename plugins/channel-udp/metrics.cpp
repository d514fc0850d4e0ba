#include "metrics.hpp"

namespace channel_udp {

const Metrics::Names Metrics::kNames = {
    {"connects", "udp_connects", "Sockets connected to the server"},
    {"disconnects", "udp_disconnects", "Times the server refused, was silent for keepAlive, or could not be reached"},
    {"refusals", "udp_refusals", "Datagrams that the server's system refused (ICMP port unreachable)"},
    {"rejected_messages", "udp_rejected_messages", "Uplink messages longer than a datagram may be"},
    {"lost_downlink_messages", "udp_lost_downlink_messages", "Received datagrams that could not be passed on"},
};

}  // namespace channel_udp
