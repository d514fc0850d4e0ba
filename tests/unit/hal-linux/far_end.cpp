#include "far_end.hpp"

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): ptsname_r is POSIX, not C++

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "host/test_host.hpp"

namespace dtu::test {

dtu_port::Descriptor make_pty(std::string* device) {
  dtu_port::Descriptor master(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 64> name{};
  if (!master || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0 ||
      ptsname_r(master.get(), name.data(), name.size()) != 0)
    throw std::runtime_error("no pty to be had");
  *device = name.data();
  return master;
}

void FarEnd::pump_send() {
  for (ssize_t n = 0; !sent_all() && (n = ::write(fd_.get(), to_send_.data() + sent_, to_send_.size() - sent_)) > 0;)
    sent_ += static_cast<size_t>(n);
}

void FarEnd::pump() {
  pump_send();
  std::array<char, 65536> some;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  for (ssize_t n = 0; (n = ::read(fd_.get(), some.data(), some.size())) > 0;)
    received_.append(some.data(), static_cast<size_t>(n));
}

std::string noise(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random() & 0xFFU);
  return out;
}

std::vector<std::string> pieces(const std::string& data, size_t longest, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string> out;
  for (size_t at = 0; at < data.size(); at += out.back().size()) out.push_back(data.substr(at, 1 + random() % longest));
  return out;
}

std::string difference(const std::string& got, const std::string& wanted) {
  if (got == wanted) return {};
  const auto at = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end()).first - got.begin();
  return std::to_string(got.size()) + " bytes instead of " + std::to_string(wanted.size()) + ", different from byte " +
         std::to_string(at) + " on";
}

bool sleeps(TestHost& host) {
  constexpr int kMostTurns = 20;  // a loop of the host waits up to 50 ms; one that spins makes thousands
  int turns = 0;
  host.run_until([&] { return ++turns > kMostTurns; }, std::chrono::milliseconds(200));
  return turns <= kMostTurns;
}

TempDir::TempDir() : path_(std::filesystem::temp_directory_path() / "dtukit-test-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary directory to be had");
}
TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace dtu::test
