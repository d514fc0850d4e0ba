// The signals of a tty beside its data: DTR, RTS, BREAK, and those of the other end. [lane]
#pragma once
#include <dtu/sdk/component.hpp>

namespace dtu_port {

// dtu_ports.set_signals: TIOCMBIS, TIOCMBIC, TIOCSBRK and TIOCCBRK, none of which waits. Throws a Failure:
// DTU_E_INVALID for a signal that is not ours to switch, DTU_E_UNSUPPORTED where the driver has none (a pty).
void set_signals(int fd, uint32_t mask, uint32_t values);

// dtu_ports.signals, by TIOCMGET. BREAK cannot be read: known is without it. Throws a Failure: DTU_E_UNSUPPORTED as
// above.
[[nodiscard]] dtu::PortSignals signals(int fd);

}  // namespace dtu_port
