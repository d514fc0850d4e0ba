// A connected socket, plain or with TLS: bytes in and out, and where in the socket's own stream they are.
#pragma once
#include <cstdint>
#include <dtu/kit/tls/session.hpp>
#include <memory>
#include <string>

#include "tcp_socket.hpp"

struct iovec;

namespace channel_tcp {

class Transport {
 public:
  Transport() = default;
  explicit Transport(Socket socket) : socket_(std::move(socket)) {}
  // `tls` is a session over this very socket, agreed on.
  Transport(Socket socket, std::unique_ptr<tls::Session> tls);

  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] const tls::Session* tls() const { return tls_.get(); }

  // As much as the socket takes now; *written of these bytes are in it. Answers 0, or the errno of a dead socket. What
  // was not written is given again, first and unchanged, before anything else.
  int write(const iovec* iov, size_t n, size_t* written);
  // As recv(): > 0 bytes, 0 at the end, -1 see errno; EPROTO: see trouble(). room: 16 KiB or more.
  ssize_t read(char* to, size_t room);
  // Of the socket's stream, with all that TLS adds: bytes given to it, and those that the other end's TCP acknowledged.
  [[nodiscard]] uint64_t wire_bytes() const { return tls_ ? tls_->wire_bytes() : plain_bytes_; }
  [[nodiscard]] uint64_t acknowledged_wire_bytes() const;
  // Nothing more is sent.
  void say_goodbye();

  // Of TLS: a sentence on the other end. "": there is none.
  [[nodiscard]] const std::string& trouble() const;
  // The end of this connection may be blamed on what was sent. Not so while a TLS 1.3 server has said nothing: it
  // refuses a client's certificate only after the handshake, and what was sent by then is not the reason.
  [[nodiscard]] bool accepted() const { return !tls_ || tls_->accepted(); }

 private:
  int write_tls(const iovec* iov, size_t n, size_t* written);
  [[nodiscard]] int broken() const { return tls_->socket_error() != 0 ? tls_->socket_error() : EPROTO; }

  Socket socket_;
  std::unique_ptr<tls::Session> tls_;
  uint64_t plain_bytes_ = 0;
  std::unique_ptr<char[]> record_;  // several small messages go into one record
  size_t pending_ = 0;              // bytes of the record that waits for the socket
};

}  // namespace channel_tcp
