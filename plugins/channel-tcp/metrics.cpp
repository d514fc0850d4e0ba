#include "metrics.hpp"

namespace channel_tcp {

const Metrics::Names Metrics::kNames = {
    {"connects", "tcp_connects", "Connections made or accepted"},
    {"disconnects", "tcp_disconnects", "Connections ended"},
    {"failed_handshakes", "tcp_failed_handshakes", "Connections given up because TLS was not agreed"},
    {"server_changes", "tcp_server_changes", "Changes to another server of url and backup"},
    {"refused_clients", "tcp_refused_clients", "Clients closed at once because max_clients were connected"},
    {"kicked_clients", "tcp_kicked_clients", "Clients disconnected because a new one needed the place"},
    {"not_allowed_clients", "tcp_not_allowed_clients", "Clients closed at once because of their address"},
    {"slow_clients", "tcp_slow_clients", "Clients disconnected because they took no data for slow_client_s"},
    {"discarded_messages", "tcp_discarded_messages", "Uplink messages dropped for want of a client"},
    {"discarded_bytes", "tcp_discarded_bytes", "Bytes of the uplink messages dropped for want of a client"},
    {"lost_downlink_bytes", "tcp_lost_downlink_bytes", "Bytes received that could not be handed on before the end"},
    {"read_only_bytes", "tcp_read_only_bytes", "Bytes of read-only clients that were dropped"},
    {"malformed_telnet_bytes", "tcp_malformed_telnet_bytes", "Bytes of Telnet commands that could not be understood"},
};

}  // namespace channel_tcp
