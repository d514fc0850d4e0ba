// The other end of a TLS connection of the channel under test, which never blocks either.
#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "certificates.hpp"
#include "remote.hpp"

namespace channel_tcp::test {

struct TlsSetup {
  std::string own;  // file with certificate and key; "": none
  std::string ca;   // the other end has to have a certificate of it; "": it is not checked
  int newest = 0;   // TLS1_VERSION, ...; 0: whatever there is
};

class TlsRemote {
 public:
  enum class Role { client, server };
  TlsRemote(Remote remote, Role role, const TlsSetup& setup);

  bool agree();                          // a step of the handshake; true when it is done
  void read(size_t most = SIZE_MAX);     // appended to received
  size_t write(std::string_view bytes);  // as much as fits
  void say_goodbye() { SSL_shutdown(ssl_.get()); }
  Remote& socket() { return remote_; }
  [[nodiscard]] bool said_goodbye() const { return goodbye_; }  // the other end
  [[nodiscard]] bool failed() const { return failed_; }
  std::string received;

 private:
  [[nodiscard]] bool waits(int result);
  Remote remote_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool goodbye_ = false, failed_ = false;
};

}  // namespace channel_tcp::test
