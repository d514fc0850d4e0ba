// One connection to a server, in the clear or over TLS. For the client's thread; every wait is the caller's Patience.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <dtu/kit/http/addresses.hpp>
#include <dtu/kit/http/patience.hpp>
#include <dtu/kit/http/tls.hpp>

namespace http {

class Connection {
 public:
  // `context` null: in the clear. Throws Broken.
  Connection(const Url& url, const std::vector<Address>& addresses, SSL_CTX* context, bool verify,
             const Patience& patience);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] const Url& url() const { return url_; }  // as it was opened: the target is of no meaning
  void write(std::string_view bytes, const Patience& patience);
  // 0: the server has closed. `server` in what it throws is how people know it.
  [[nodiscard]] size_t read(char* into, size_t most, const Patience& patience);
  // Between two requests: still open, and nothing came that nobody asked for.
  [[nodiscard]] bool fresh();
  // Waits so long, unless the server closes or says something before: true.
  [[nodiscard]] bool closes_within(std::chrono::milliseconds time, const Patience& patience);

 private:
  void connect(const Address& address, const Patience& patience);
  void close() noexcept;
  template <typename Operation>
  int secured(Operation operation, const Patience& patience, const char* doing);
  [[noreturn]] void lost(int error, const std::string& doing) const;

  Url url_;
  int fd_ = -1;
  Ssl ssl_;
};

}  // namespace http
