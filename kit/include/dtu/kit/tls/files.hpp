// The certificate files of a TLS client, checked without a connection.
#pragma once
#include <dtu/sdk/check.hpp>

#include <string>

namespace tls {

struct Files {
  std::string ca;    // "": the system's
  std::string cert;  // "": none
  std::string key;   // "": in `cert`
};

// Errors at <path>/ca, <path>/cert and <path>/key: a file that cannot be read or is too large, one that does not hold
// what it should, a key that does not belong to the certificate.
void check_files(const Files& files, const std::string& path, const dtu::Findings& found);

}  // namespace tls
