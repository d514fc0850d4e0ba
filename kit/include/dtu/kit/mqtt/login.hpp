// The time that a cloud's login carries.
#pragma once
#include <cstdint>

namespace mqtt {

// Seconds since 1970, UTC. Throws dtu::Failure (DTU_E_IO, retryable) while the clock of this device says a time before
// this library was written: a login with such a time would be refused, and the refusal would speak of the secret. For
// Session::Handler::prepare(), which passes the reason on.
[[nodiscard]] int64_t login_time();

}  // namespace mqtt
