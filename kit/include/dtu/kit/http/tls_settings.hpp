// The key "tls" of a configuration, as channel-mqtt has it too: {"verify", "ca", "cert", "key"}.
#pragma once
#include <Poco/JSON/Object.h>

#include <dtu/kit/http/message.hpp>

namespace http {

// Throws dtu::Failure (DTU_E_INVALID) naming the key.
[[nodiscard]] Tls read_tls(const Poco::JSON::Object& config);

}  // namespace http
