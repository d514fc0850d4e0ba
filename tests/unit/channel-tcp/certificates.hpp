// Certificates made for a test, in a folder that goes with it.
#pragma once
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace channel_tcp::test {

class Certificates {
 public:
  Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  ~Certificates();

  struct Wanted {
    const char* alternative_names = "IP:127.0.0.1,DNS:localhost";
    long valid_s = 3600;  // from an hour ago, to so many seconds from now
    bool by_another_ca = false;
  };
  // A PEM file with a key and its certificate.
  [[nodiscard]] std::string make(const std::string& name, const Wanted& wanted) const;
  [[nodiscard]] std::string make(const std::string& name) const { return make(name, Wanted{}); }
  [[nodiscard]] std::string ca() const { return folder_ + "/ca.pem"; }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  struct Pair {
    std::shared_ptr<EVP_PKEY> key;
    std::shared_ptr<X509> certificate;
  };
  [[nodiscard]] static Pair issue(const std::string& name, const Wanted& wanted, const Pair* issuer);
  std::string folder_;
  Pair ca_, other_ca_;
};

}  // namespace channel_tcp::test
