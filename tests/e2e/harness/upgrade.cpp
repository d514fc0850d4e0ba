#include "upgrade.hpp"

#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "stream.hpp"

namespace e2e {
namespace {

std::string digest(const EVP_MD* kind, const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, kind, nullptr);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[out.at(i) >> 4U];
    hex += "0123456789abcdef"[out.at(i) & 15U];
  }
  return hex;
}

}  // namespace

std::string firmware(const std::string& version, size_t bytes) {
  std::string file = "dtukit-sim-firmware " + version + "\n";
  if (file.size() < bytes) file += pattern(bytes - file.size(), 7);
  return file;
}

std::string sha256(const std::string& bytes) { return digest(EVP_sha256(), bytes); }
std::string md5(const std::string& bytes) { return digest(EVP_md5(), bytes); }

std::string base64(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

SigningKey::SigningKey() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {}
SigningKey::~SigningKey() { EVP_PKEY_free(static_cast<EVP_PKEY*>(key_)); }

std::string SigningKey::public_key() const {
  std::string raw(32, '\0');
  size_t length = raw.size();
  EVP_PKEY_get_raw_public_key(static_cast<EVP_PKEY*>(key_), reinterpret_cast<unsigned char*>(raw.data()), &length);
  return base64(raw);
}

std::string SigningKey::sign(const std::string& bytes) const {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::string signature(64, '\0');
  size_t length = signature.size();
  EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, static_cast<EVP_PKEY*>(key_));
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                 reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return base64(signature);
}

std::string serve(const http_test::Asked& asked, const std::string& file, const std::string& etag) {
  const auto range = asked.headers.find("range");
  const auto condition = asked.headers.find("if-range");
  const std::string tag = "ETag: " + etag + "\r\n";
  if (range == asked.headers.end() || (condition != asked.headers.end() && condition->second != etag))
    return http_test::answer(200, file, tag);
  const size_t from = std::stoul(range->second.substr(6));
  const std::string whole = std::to_string(file.size());
  if (from >= file.size()) return http_test::answer(416, "", tag + "Content-Range: bytes */" + whole + "\r\n");
  return http_test::answer(206, file.substr(from),
                           tag + "Content-Range: bytes " + std::to_string(from) + "-" +
                               std::to_string(file.size() - 1) + "/" + whole + "\r\n");
}

Descriptor bind_datagram(const std::string& path) {
  Descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("bind");
  return fd;
}

std::string receive_datagram(int fd) {
  std::array<char, 4096> bytes{};
  const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
  return n <= 0 ? "" : std::string(bytes.data(), static_cast<size_t>(n)) + "\n";
}

void Log::add(const http_test::Asked& asked) {
  const std::lock_guard lock(mutex_);
  const auto range = asked.headers.find("range");
  ranges_.push_back(range == asked.headers.end() ? "" : range->second);
}

std::vector<std::string> Log::ranges() const {
  const std::lock_guard lock(mutex_);
  return ranges_;
}

size_t Log::size() const {
  const std::lock_guard lock(mutex_);
  return ranges_.size();
}

void UpgradeTest::start(const std::string& rules, const std::string& firmware, const std::string& sim) {
  dtud.hal(R"({"type": "sim", "firmware": {"install_ms": )" + std::to_string(install_ms) +
           (firmware.empty() ? "" : ", " + firmware) + "}" + (sim.empty() ? "" : ", " + sim) + "}");
  dtud.board(R"("upgrade": {"retry_s": 1, "stall_s": )" + std::to_string(stall_s) + R"(, "confirm_s": )" +
             std::to_string(confirm_s) + (rules.empty() ? "" : ", " + rules) + "}");
  dtud.device(R"({"password": "pw", "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
              std::to_string(boss.port()) + "}}}");
  dtud.start();
  ASSERT_TRUE(eventually([&] { return runs() == "1"; })) << to_json(state());
}

std::string UpgradeTest::order_of(const std::string& url, const std::string& file, const std::string& more) {
  return R"({"url": ")" + url + R"(", "version": "2", "sha256": ")" + sha256(file) + "\"" +
         (more.empty() ? "" : ", " + more) + "}";
}

Json UpgradeTest::order(const std::string& json) {
  return parse_json(dtud.post("/v1/call", R"({"command": "upgrade.start", "args": )" + json + "}").body);
}

void UpgradeTest::ordered(const std::string& json) {
  const Json answer = order(json);
  ASSERT_EQ(text(answer, "status"), "ok") << to_json(answer);
}

Json UpgradeTest::end() const {
  Json last;
  const bool over = eventually(
      [&] {
        last = state();
        return text(last, "over") == "true";
      },
      std::chrono::seconds(120));
  EXPECT_TRUE(over) << to_json(last);
  return last;
}

bool UpgradeTest::becomes(const std::string& wanted) const {
  return eventually([&] { return step() == wanted; });
}

void UpgradeTest::expect_end(const std::string& wanted, const std::string& error_has) {
  const Json last = end();
  EXPECT_EQ(text(last, "step"), wanted) << to_json(last);
  EXPECT_NE(text(last, "error").find(error_has), std::string::npos) << to_json(last);
  EXPECT_FALSE(std::filesystem::exists(image()));
  if (wanted == "took") {
    EXPECT_EQ(runs(), text(last, "version"));
  } else if (wanted != "unconfirmed") {
    EXPECT_EQ(runs(), "1");
  }
}

}  // namespace e2e
