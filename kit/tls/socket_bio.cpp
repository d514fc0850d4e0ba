#include "tls/socket_bio.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "tls/openssl.hpp"

namespace tls {
namespace {

int write_bytes(BIO* bio, const char* bytes, int size) {
  int fd = -1;
  BIO_get_fd(bio, &fd);
  BIO_clear_retry_flags(bio);
  const auto n = ::send(fd, bytes, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

struct Free {
  void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
};
using Method = std::unique_ptr<BIO_METHOD, Free>;

// OpenSSL's own, which writes by write(): a connection that the other end has reset would end the program.
Method make_method() {
  const BIO_METHOD* own = BIO_s_socket();
  Method method(BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE"));
  if (!method) return method;
  BIO_meth_set_write(method.get(), write_bytes);
  BIO_meth_set_read(method.get(), BIO_meth_get_read(own));
  BIO_meth_set_ctrl(method.get(), BIO_meth_get_ctrl(own));
  BIO_meth_set_create(method.get(), BIO_meth_get_create(own));
  BIO_meth_set_destroy(method.get(), BIO_meth_get_destroy(own));
  return method;
}

}  // namespace

BIO* make_socket_bio(int fd) {
  static const Method method = make_method();
  BIO* bio = method ? BIO_new(method.get()) : nullptr;
  if (bio != nullptr) BIO_set_fd(bio, fd, BIO_NOCLOSE);
  return bio;
}

}  // namespace tls
