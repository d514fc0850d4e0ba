// A certificate authority for one test run, made with the openssl program.
#pragma once
#include <string>

#include "process.hpp"

namespace mqtt_test {

class TlsFiles {
 public:
  TlsFiles();  // ca.pem, and a self-signed selfsigned.pem; throws when openssl cannot
  // <name>.pem and <name>.key, signed by the CA. `host` is its subjectAltName ("IP:127.0.0.1"); `days` may be past.
  void issue(const std::string& name, const std::string& host, bool expired = false);
  [[nodiscard]] std::string file(const std::string& name) const { return dir_.file(name); }

 private:
  void openssl(const std::vector<std::string>& arguments);
  TempDir dir_;
};

}  // namespace mqtt_test
