#include "metrics.hpp"

namespace channel_tcp {

const Metrics::Names Metrics::kNames = {
    {"connects", "tcp_connects", "Connections made or accepted"},
    {"disconnects", "tcp_disconnects", "Connections ended"},
    {"refused_clients", "tcp_refused_clients", "Clients closed at once because max_clients were connected"},
    {"slow_clients", "tcp_slow_clients", "Clients disconnected because they took no data for slow_client_s"},
    {"discarded_messages", "tcp_discarded_messages", "Uplink messages dropped for want of a client"},
    {"discarded_bytes", "tcp_discarded_bytes", "Bytes of the uplink messages dropped for want of a client"},
    {"lost_downlink_bytes", "tcp_lost_downlink_bytes", "Bytes received that could not be handed on before the end"},
};

}  // namespace channel_tcp
