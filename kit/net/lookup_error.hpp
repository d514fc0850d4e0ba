// What a failed getaddrinfo() means. Only a name server that answers can say that a name has no address.
#pragma once
#include <netdb.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace net {

// `error`: what getaddrinfo() returned; errno is still as it left it.
[[nodiscard]] inline std::string describe_lookup(int error, const std::string& host) {
  const int system = errno;
  const std::string why = error == EAI_SYSTEM ? std::system_category().message(system) : ::gai_strerror(error);
  if (error == EAI_AGAIN)
    return "no name server answered for the name " + host + " (" + why +
           "): check the network and the name servers of this device";
  bool unknown = error == EAI_NONAME;
#if defined(EAI_NODATA) && defined(EAI_ADDRFAMILY)
  unknown = unknown || error == EAI_NODATA || error == EAI_ADDRFAMILY;
#endif
  if (unknown)
    return "the name " + host + " has no address (" + why + "): check the name and the name servers of this device";
  return "the name " + host + " cannot be looked up (" + why + ")";
}

}  // namespace net
