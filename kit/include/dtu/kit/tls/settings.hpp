// The key "tls" of a configuration: true, false, or {"verify", "ca", "cert", "key"}. Every client of the kit takes it.
#pragma once
#include <dtu/sdk/json.hpp>
#include <string>

namespace tls {

struct Settings {
  bool on = false;
  bool verify = true;  // the certificate chain and the host name
  std::string ca;      // PEM file; "": the system's certificates
  std::string cert;    // PEM file of our own certificate; "": none
  std::string key;     // PEM file of its key; "": in `cert`
};

// config: an object that its schema admits; without the key "tls" TLS is off. Opens no file: see check_files().
[[nodiscard]] Settings read_settings(const dtu::Json& config);

}  // namespace tls
