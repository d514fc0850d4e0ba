#include "tls/words.hpp"

#include "tls/openssl.hpp"

namespace tls {
namespace {

struct Said {
  long code;
  const char* text;
};

constexpr char kNobody[] = "its certificate is signed by nobody that this device trusts: name the CA's file in tls.ca";
constexpr Said kVerdicts[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "its certificate has expired, or the clock of this device is wrong"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "its certificate is not valid yet, or the clock of this device is wrong"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, kNobody},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, kNobody},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, kNobody},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, kNobody},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, kNobody},
    {X509_V_ERR_INVALID_PURPOSE, "its certificate is not made for this purpose (extended key usage)"},
};

constexpr char kNoTls[] = "it does not speak TLS: check the port, and whether tls is on at both ends";
constexpr char kOldTls[] = "it offers only TLS versions before 1.2";
constexpr Said kErrors[] = {
    {SSL_R_HTTP_REQUEST, kNoTls},
    {SSL_R_HTTPS_PROXY_REQUEST, kNoTls},
    {SSL_R_WRONG_VERSION_NUMBER, kNoTls},
    {SSL_R_UNEXPECTED_MESSAGE, kNoTls},
    {SSL_R_PACKET_LENGTH_TOO_LONG, kNoTls},
    {SSL_R_UNSUPPORTED_PROTOCOL, kOldTls},
    {SSL_R_VERSION_TOO_LOW, kOldTls},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "it refuses the TLS versions that this device offers, 1.2 and later"},
    {SSL_R_NO_SHARED_CIPHER, "it has no cipher in common with this device"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "it sent no certificate of its own, which tls.ca demands"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "it demands a certificate of this device: give tls.cert and tls.key"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "it does not trust the CA of this device's certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "it says that this device's certificate has expired"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "it does not accept this device's certificate"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "it refused the TLS handshake: it may demand a certificate of this device (tls.cert), or other ciphers"},
};

template <size_t N>
const char* find(const Said (&table)[N], long code) {
  for (const Said& s : table)
    if (s.code == code) return s.text;
  return nullptr;
}

bool wrong_name(long verdict) {
  return verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

}  // namespace

std::string take_last_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string out = text == nullptr ? "unknown reason" : text;
  ERR_clear_error();
  return out;
}

std::string take_reason(const SSL* ssl, const std::string& host) {
  const unsigned long code = ERR_peek_last_error();
  const long verdict = SSL_get_verify_result(ssl);
  const std::string error = take_last_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    if (wrong_name(verdict)) return "its certificate is not for " + host;
    const char* known = find(kVerdicts, verdict);
    return known != nullptr ? known
                            : std::string("its certificate is not accepted: ") + X509_verify_cert_error_string(verdict);
  }
  const char* known = ERR_GET_LIB(code) == ERR_LIB_SSL ? find(kErrors, ERR_GET_REASON(code)) : nullptr;
  return known != nullptr ? known : "TLS failed: " + error;
}

}  // namespace tls
