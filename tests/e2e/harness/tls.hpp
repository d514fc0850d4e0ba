// An MQTT broker's end of a TLS connection, packet by packet, and a certificate for it.
#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "mqtt.hpp"
#include "tcp.hpp"
#include "temp_dir.hpp"

namespace e2e {

// For 127.0.0.1, signed by itself.
class TlsFiles {
 public:
  TlsFiles();
  [[nodiscard]] std::string cert() const { return files_.path("cert.pem"); }
  [[nodiscard]] std::string key() const { return files_.path("key.pem"); }

 private:
  const TempDir files_;
};

class TlsPeer {
 public:
  // Does the handshake. Every step gives up after a while.
  TlsPeer(TcpPeer peer, const TlsFiles& files);
  [[nodiscard]] bool write(const std::string& bytes);
  // The next packet; head 0 at the end of the connection or the deadline.
  MqttPacket packet();

 private:
  template <typename T, void (*Free)(T*)>
  struct Freed {
    void operator()(T* p) const noexcept { Free(p); }
  };
  std::string read(size_t bytes);
  TcpPeer peer_;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Freed<SSL, SSL_free>> ssl_;
};

}  // namespace e2e
