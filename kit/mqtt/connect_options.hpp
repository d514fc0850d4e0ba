// Paho's option structs and the memory they point into.
#pragma once
#include <MQTTAsync.h>

#include <dtu/kit/mqtt/options.hpp>
#include <string>
#include <vector>

namespace mqtt {

// Lives from before MQTTAsync_connect until it returned: Paho copies what it needs.
class ConnectOptions {
 public:
  // `uri` is where to connect to; it may name an address where `options.host` is a name.
  ConnectOptions(const Options& options, std::string uri);
  ConnectOptions(const ConnectOptions&) = delete;
  ConnectOptions& operator=(const ConnectOptions&) = delete;
  ~ConnectOptions();

  MQTTAsync_connectOptions& raw() { return connect_; }
  MQTTAsync_SSLOptions& tls() { return tls_; }

 private:
  void add_session_properties(const Options& options);
  std::string uri_;
  char* uris_[1];
  MQTTAsync_willOptions will_;
  MQTTAsync_SSLOptions tls_;
  MQTTProperties properties_;
  MQTTAsync_connectOptions connect_;
};

}  // namespace mqtt
