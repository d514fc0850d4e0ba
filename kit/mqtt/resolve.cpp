#include <arpa/inet.h>
#include <netdb.h>
#include <resolv.h>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <mqtt/resolve.hpp>

namespace mqtt {

bool is_numeric(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

std::vector<std::string> resolve(const std::string& host) {
  if (is_numeric(host)) return {host};
  // The resolver's state is the thread's own: one try of 2 s per server, and a fresh look at resolv.conf each time.
  if (res_init() == 0) {
    _res.retrans = 2;
    _res.retry = 1;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int rc = getaddrinfo(host.c_str(), nullptr, &hints, &list); rc != 0)
    throw dtu::Failure(
        DTU_E_IO, "cannot find the address of " + host + ": " + gai_strerror(rc) + " (check the name and the network)");
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  std::vector<std::string> v4;
  std::vector<std::string> v6;
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    std::array<char, INET6_ADDRSTRLEN + 24> text{};
    if (getnameinfo(a->ai_addr, a->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    auto& where = a->ai_family == AF_INET ? v4 : v6;
    if (std::find(where.begin(), where.end(), text.data()) == where.end()) where.emplace_back(text.data());
  }
  v4.insert(v4.end(), v6.begin(), v6.end());
  return v4;
}

}  // namespace mqtt
