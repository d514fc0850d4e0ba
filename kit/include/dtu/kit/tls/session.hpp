// TLS over a non-blocking socket, for a lane: no call waits, and every one says what it needs the socket for. TLS 1.2
// and later, no renegotiation, no resumption. The socket's own calls stay possible: how many bytes TCP has not
// acknowledged.
//
//   tls::Context context = tls::make_client_context(settings);            // reads files: on a worker
//   tls::Session session(context, fd, tls::Peer{settings.verify, host});  // then handshake() until it is done
#pragma once
#include <cstdint>
#include <dtu/kit/tls/settings.hpp>
#include <memory>
#include <string>

struct ssl_st;
struct ssl_ctx_st;

namespace tls {

using Context = std::shared_ptr<ssl_ctx_st>;
// These read the files, and for a client without `ca` the system's certificates, which takes milliseconds. [any] Throw
// dtu::Failure (DTU_E_IO) that names the file.
[[nodiscard]] Context make_client_context(const Settings& settings);
// With `ca` a client has to have a certificate that one of these signed.
[[nodiscard]] Context make_server_context(const Settings& settings);

// The server that a client expects.
struct Peer {
  bool verify = true;
  std::string host;  // a name or an address, which its certificate has to be for
};

enum class Step {
  done,
  wants_read,   // again when the socket can be read
  wants_write,  // again when it can be written
  closed,       // the other end said goodbye; nothing more comes from it
  failed,       // see reason(); nothing may be written any more
};

class Session {
 public:
  // fd: a connected socket that outlives the session. Throws dtu::Failure.
  Session(const Context& context, int fd, const Peer& server);  // a client's
  Session(const Context& context, int fd);                      // a server's

  Step handshake();
  // done: *n > 0 bytes. With 16 KiB of room or more nothing that was received stays inside of the session, so that the
  // socket itself shows whether there is more.
  Step read(char* to, size_t room, size_t* n);
  // done: *n bytes, at most kRecord of them, are in the socket as one record. wants_write: the session has made a
  // record of them, and the next call has to be for the same bytes.
  static constexpr size_t kRecord = 16384;
  Step write(const char* from, size_t size, size_t* n);
  // Tells the other end that nothing more comes, as far as the socket has room.
  void say_goodbye();

  // Of everything that was given to the socket so far: the position of a byte that write() took is not above it.
  [[nodiscard]] uint64_t wire_bytes() const;
  // The other end has accepted this one. A TLS 1.3 server may refuse a client's certificate after the handshake, so it
  // has to say something first.
  [[nodiscard]] bool accepted() const;
  // After failed: a sentence on the other end, "its certificate has expired"; socket_error() is then 0. Or the errno.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] int socket_error() const { return socket_error_; }
  // failed, because the connection was closed without a goodbye.
  [[nodiscard]] bool cut() const { return cut_; }
  [[nodiscard]] std::string version() const;  // "TLSv1.3"

 private:
  struct Free {
    void operator()(ssl_st* ssl) const noexcept;
  };
  Session(const Context& context, int fd, bool server);
  [[nodiscard]] Step judge(int result);

  std::unique_ptr<ssl_st, Free> ssl_;
  std::string host_, reason_;
  uint64_t handshake_bytes_ = 0;  // received until it was done
  int socket_error_ = 0;
  bool agreed_ = false, cut_ = false;
};

}  // namespace tls
