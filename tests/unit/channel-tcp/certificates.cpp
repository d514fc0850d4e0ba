#include "certificates.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>

namespace channel_tcp::test {
namespace {

constexpr long kHour = 3600;

void extend(X509* certificate, X509* issuer, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, what, value), X509_EXTENSION_free);
  ASSERT_TRUE(extension) << value;
  X509_add_ext(certificate, extension.get(), -1);
}

void write(const std::string& path, EVP_PKEY* key, X509* certificate) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "we"), std::fclose);
  ASSERT_TRUE(file) << path;
  if (key != nullptr) PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_X509(file.get(), certificate);
}

}  // namespace

Certificates::Pair Certificates::issue(const std::string& name, const Wanted& wanted, const Pair* issuer) {
  static long serial = 1;
  Pair made{{EVP_EC_gen("P-256"), EVP_PKEY_free}, {X509_new(), X509_free}};
  X509* c = made.certificate.get();
  X509_set_version(c, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
  X509_gmtime_adj(X509_getm_notBefore(c), -kHour);
  X509_gmtime_adj(X509_getm_notAfter(c), wanted.valid_s);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* by = issuer != nullptr ? issuer->certificate.get() : c;
  X509_set_issuer_name(c, X509_get_subject_name(by));
  X509_set_pubkey(c, made.key.get());
  if (issuer == nullptr) extend(c, by, NID_basic_constraints, "critical,CA:TRUE");
  if (issuer != nullptr) extend(c, by, NID_subject_alt_name, wanted.alternative_names);
  EXPECT_NE(X509_sign(c, issuer != nullptr ? issuer->key.get() : made.key.get(), EVP_sha256()), 0);
  return made;
}

Certificates::Certificates() {
  folder_ = (std::filesystem::temp_directory_path() / "channel-tcp.XXXXXX").string();
  EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
  ca_ = issue("the CA", {}, nullptr);
  other_ca_ = issue("another CA", {}, nullptr);
  write(ca(), nullptr, ca_.certificate.get());
}

Certificates::~Certificates() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Certificates::make(const std::string& name, const Wanted& wanted) const {
  const Pair made = issue(name, wanted, wanted.by_another_ca ? &other_ca_ : &ca_);
  write(path(name), made.key.get(), made.certificate.get());
  return path(name);
}

}  // namespace channel_tcp::test
