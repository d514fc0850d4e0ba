#include <dtu/kit/tls/files.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "tls/openssl.hpp"
#include "tls/words.hpp"

namespace tls {
namespace {

constexpr off_t kLargest = 4 << 20;  // bytes; the system's own bundle has 200 KiB

struct Free {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};

std::string reason(int code) { return std::generic_category().message(code); }

// "" or why the file cannot be read. OpenSSL would also wait for a pipe, and does not say which file it could not open.
std::string unreadable(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "cannot be read: " + reason(errno);
  struct stat st {};
  const bool known = ::fstat(fd, &st) == 0;
  ::close(fd);
  if (!known || !S_ISREG(st.st_mode)) return "is not a regular file";
  return st.st_size > kLargest ? "is larger than 4 MiB: name a PEM file with certificates" : "";
}

class Checker {
 public:
  Checker(std::string path, const dtu::Findings& found) : path_(std::move(path)), found_(found) {}

  void check(const Settings& files) {
    if (!files.ca.empty() && readable("ca", files.ca) &&
        SSL_CTX_load_verify_locations(context_.get(), files.ca.c_str(), nullptr) != 1)
      wrong("ca", files.ca, "holds no certificate that can be used: " + take_last_error() + "; a PEM file is needed");
    if (files.cert.empty()) {
      if (!files.key.empty()) wrong("key", files.key, "is given without cert: give both or none");
      return;
    }
    const bool in_cert = files.key.empty();
    const std::string& key = in_cert ? files.cert : files.key;
    bool good = readable("cert", files.cert);
    if (good && SSL_CTX_use_certificate_chain_file(context_.get(), files.cert.c_str()) != 1) {
      wrong("cert", files.cert,
            "holds no certificate that can be used: " + take_last_error() + "; a PEM file is needed");
      good = false;
    }
    if ((!in_cert && !readable("key", key)) || !good) return;
    ERR_clear_error();
    const bool used = SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) == 1;
    if (used && SSL_CTX_check_private_key(context_.get()) == 1) return;
    // "key values mismatch"; a key of another kind is taken at first.
    const bool other = used || ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509;
    wrong(in_cert ? "cert" : "key", key,
          other ? "does not belong to the certificate " + files.cert
                : "holds no private key that can be used: " + take_last_error() +
                      "; a PEM file without a password is needed" + (in_cert ? ", or name another file in key" : ""));
  }

 private:
  bool readable(const char* key, const std::string& file) {
    ERR_clear_error();
    const std::string why = unreadable(file);
    if (!why.empty()) wrong(key, file, why);
    return why.empty();
  }
  void wrong(const char* key, const std::string& file, const std::string& why) {
    found_.error(path_ + "/" + key, file + " " + why);
  }

  // Never asks a terminal for the password of a key.
  static int no_password(char* /*to*/, int /*size*/, int /*writes*/, void* /*ctx*/) { return 0; }
  static SSL_CTX* make() {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    if (context == nullptr) throw dtu::Failure(DTU_E_INTERNAL, "cannot set up TLS: " + take_last_error());
    SSL_CTX_set_default_passwd_cb(context, no_password);
    return context;
  }

  const std::string path_;
  const dtu::Findings& found_;
  const std::unique_ptr<SSL_CTX, Free> context_{make()};
};

}  // namespace

void check_files(const Settings& files, const std::string& path, const dtu::Findings& found) {
  if (files.ca.empty() && files.cert.empty() && files.key.empty()) return;
  need_openssl();
  Checker(path, found).check(files);
  ERR_clear_error();
}

}  // namespace tls
