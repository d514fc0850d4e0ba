#include "verify.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <Poco/JSON/Array.h>
#include <array>
#include <cerrno>
#include <system_error>

#include "keys.hpp"

namespace dtu_fetch {
namespace {

constexpr size_t kPiece = 65536;

class File {
 public:
  explicit File(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) {
    struct stat info {};
    if (fd_ < 0 || ::fstat(fd_, &info) != 0) fail(true);
    size_ = static_cast<uint64_t>(info.st_size);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] uint64_t size() const { return size_; }
  [[noreturn]] void fail(bool lost = false) const {
    throw Failed{"cannot read " + path_ + ": " + std::generic_category().message(errno), false, lost};
  }

 private:
  const std::string path_;
  int fd_;
  uint64_t size_ = 0;
};

std::string digest(const File& file, const EVP_MD* kind) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1)
    throw Failed{std::string(EVP_MD_get0_name(kind)) + " is not to be had from OpenSSL here"};
  std::array<char, kPiece> piece{};
  off_t at = 0;
  for (;;) {
    const ssize_t n = ::pread(file.fd(), piece.data(), piece.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) file.fail();
    if (n == 0) break;
    EVP_DigestUpdate(context.get(), piece.data(), static_cast<size_t>(n));
    at += n;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), bytes.data(), &length);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[bytes.at(i) >> 4U];
    hex += "0123456789abcdef"[bytes.at(i) & 15U];
  }
  return hex;
}

// What a broken connection leaves is mended by going on; what does not fit in the end is fetched once more.
void compare(const char* what, const std::string& wanted, const std::string& found) {
  if (wanted != found) throw Failed{std::string(what) + " is " + found + ", the order says " + wanted, false, true};
}

bool signed_by(EVP_PKEY* key, const std::string& signature, const unsigned char* bytes, size_t length) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          bytes, length) == 1;
}

std::string signature_in(const Object& job) {
  std::string text = job.optValue<std::string>("signature", "");
  if (text.empty() && job.has("signature_file")) {
    const File file(job.getValue<std::string>("signature_file"));
    text.resize(std::min<uint64_t>(file.size(), 4096));
    if (::pread(file.fd(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) file.fail();
  }
  if (text.empty()) throw Failed{"a signature is needed (upgrade.keys of board.json), and none was given"};
  std::string signature = read_signature(text);
  if (signature.empty()) throw Failed{"the signature is not the 64 bytes of an Ed25519 signature, nor their base64"};
  return signature;
}

void check_signature(const Object& job, const Poco::JSON::Array& keys, const File& file) {
  const std::string signature = signature_in(job);
  void* bytes = file.size() == 0 ? nullptr : ::mmap(nullptr, file.size(), PROT_READ, MAP_PRIVATE, file.fd(), 0);
  if (bytes == MAP_FAILED) file.fail();
  bool good = false;
  for (unsigned i = 0; i < keys.size() && !good; ++i)
    good = signed_by(read_key(keys.getElement<std::string>(i)).get(), signature,
                     static_cast<const unsigned char*>(bytes), file.size());
  if (bytes != nullptr) ::munmap(bytes, file.size());
  if (!good) throw Failed{"the signature is not by one of the keys of board.json over this file", false, true};
}

}  // namespace

void verify(const Object& job) {
  try {
    const File file(job.getValue<std::string>("file"));
    const auto size = job.optValue<uint64_t>("size", 0);
    const auto sha256 = job.optValue<std::string>("sha256", ""), md5 = job.optValue<std::string>("md5", "");
    const Poco::JSON::Array::Ptr keys = job.getArray("keys");
    Poco::JSON::Array::Ptr checked = new Poco::JSON::Array;
    if (size != 0 && size != file.size())
      throw Failed{"it has " + std::to_string(file.size()) + " bytes, the order says " + std::to_string(size), false,
                   true};
    if (!sha256.empty()) {
      compare("its SHA-256", sha256, digest(file, EVP_sha256()));
      checked->add(std::string("sha256"));
    }
    if (!md5.empty()) {
      compare("its MD5", md5, digest(file, EVP_md5()));
      checked->add(std::string("md5"));
    }
    if (keys && keys->size() != 0) {
      check_signature(job, *keys, file);
      checked->add(std::string("signature"));
    }
    Object::Ptr o = line("done");
    o->set("size", file.size());
    o->set("checked", checked);
    tell(o);
  } catch (const Failed& f) {
    tell(f);
  }
}

}  // namespace dtu_fetch
