// The certificate files of a TLS client, checked without a connection.
#pragma once
#include <dtu/kit/tls/settings.hpp>
#include <dtu/sdk/check.hpp>

#include <string>

namespace tls {

// For check(). Errors at <path>/ca, <path>/cert and <path>/key: a file that cannot be read or is too large, one that
// does not hold what it should, a key that does not belong to the certificate.
void check_files(const Settings& files, const std::string& path, const dtu::Findings& found);

}  // namespace tls
