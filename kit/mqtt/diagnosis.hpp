// Why a connection could not be made. Paho says "TCP/TLS connect failure" for everything, so we look ourselves.
#pragma once
#include <dtu/kit/mqtt/options.hpp>
#include <string>

namespace mqtt {

// Connects to `address` (numeric) once more, as far as the end of the TLS handshake, and says in words what fails; ""
// when nothing did. Blocks for at most 6 s; for the worker's thread.
std::string diagnose(const Options& options, const std::string& address);

// Throws dtu::Failure when a file the options name cannot be read.
void check_files(const Tls& tls);

}  // namespace mqtt
