#include "http/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace http {
namespace {

bool again(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Connection::Connection(const Url& url, const std::vector<Address>& addresses, SSL_CTX* context, bool verify,
                       const Patience& patience)
    : url_(url) {
  for (size_t i = 0; i < addresses.size() && fd_ < 0; ++i) {
    const size_t left = addresses.size() - i;
    try {
      connect(addresses[i], patience.share(left));
    } catch (const Broken& e) {
      close();
      if (left == 1 || e.trouble() == Trouble::stopped) throw;
    }
  }
  if (fd_ < 0) throw Broken(Trouble::failed, "the name " + url.host + " has no address");
  if (context == nullptr) return;
  try {
    ssl_ = make_session(context, fd_, url.host, verify);
    if (secured([this] { return SSL_connect(ssl_.get()); }, patience, "the TLS handshake") != 1)
      throw Broken(Trouble::failed, url_.authority() + " closed the connection during the TLS handshake");
  } catch (...) {
    close();
    throw;
  }
}

Connection::~Connection() { close(); }

void Connection::close() noexcept {
  ssl_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Connection::lost(int error, const std::string& doing) const {
  throw Broken(error == ECONNRESET || error == EPIPE ? Trouble::closed : Trouble::failed,
               doing + " " + url_.authority() + ": " + std::system_category().message(error));
}

void Connection::connect(const Address& address, const Patience& patience) {
  const std::string doing = "connecting to";
  fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) lost(errno, doing);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) return;
  if (errno != EINPROGRESS) lost(errno, doing);
  patience.wait(fd_, POLLOUT, doing + " " + url_.authority());
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0)
    throw Broken(Trouble::failed, doing + " " + url_.authority() + ": " + std::system_category().message(error));
}

// Above 0: the operation's result. 0: the server has closed.
template <typename Operation>
int Connection::secured(Operation operation, const Patience& patience, const char* doing) {
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int result = operation();
    if (result > 0) return result;
    const int system = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        patience.wait(fd_, POLLIN, std::string(doing) + " with " + url_.authority());
        break;
      case SSL_ERROR_WANT_WRITE:
        patience.wait(fd_, POLLOUT, std::string(doing) + " with " + url_.authority());
        break;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      case SSL_ERROR_SYSCALL:
        lost(system != 0 ? system : ECONNRESET, std::string(doing) + " with");
      default:
        if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
          lost(ECONNRESET, std::string(doing) + " with");
        throw Broken(Trouble::failed,
                     std::string(doing) + " with " + url_.authority() + " failed: " + reason(ssl_.get()));
    }
  }
}

void Connection::write(std::string_view bytes, const Patience& patience) {
  while (!bytes.empty()) {
    if (ssl_) {
      const int n = secured(
          [&] {
            return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1U << 20U)));
          },
          patience, "sending");
      if (n == 0) lost(EPIPE, "sending to");
      bytes.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (again(errno)) {
      patience.wait(fd_, POLLOUT, "sending to " + url_.authority());
    } else {
      lost(errno, "sending to");
    }
  }
}

size_t Connection::read(char* into, size_t most, const Patience& patience) {
  patience.check("the answer of " + url_.authority());  // also when there is always something to read
  if (ssl_)
    return static_cast<size_t>(secured([&] { return SSL_read(ssl_.get(), into, static_cast<int>(most)); }, patience,
                                       "waiting for the answer"));
  for (;;) {
    const ssize_t n = ::recv(fd_, into, most, 0);
    if (n >= 0) return static_cast<size_t>(n);
    if (!again(errno)) lost(errno, "reading from");
    patience.wait(fd_, POLLIN, "the answer of " + url_.authority());
  }
}

bool Connection::fresh() {
  char byte = 0;
  if (!ssl_) return ::recv(fd_, &byte, 1, MSG_PEEK) < 0 && again(errno);
  ERR_clear_error();
  const int n = SSL_peek(ssl_.get(), &byte, 1);  // a session ticket may be there: that is read, and is no data
  return n <= 0 && SSL_get_error(ssl_.get(), n) == SSL_ERROR_WANT_READ;
}

bool Connection::closes_within(std::chrono::milliseconds time, const Patience& patience) {
  const Patience part = patience.until(Patience::Clock::now() + time);
  while (part.ready(fd_, POLLIN))
    if (!fresh()) return true;  // else it was a session ticket of TLS
  return false;
}

}  // namespace http
