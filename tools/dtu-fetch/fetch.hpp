// Downloads a file, going on where an earlier run ended.
#pragma once
#include "said.hpp"

namespace dtu_fetch {

// `job`: {"url", "file", "size"?, "most", "trusted", "validator", "stall_s", "budget"?, "tls": {"ca", "cert", "key"}}.
//   size      what the file must have; the server's word is compared with it
//   most      bytes of the file; trusted: bytes that are believed to be there
//   budget    bytes this run may receive
// Lost connections are made anew at once as long as bytes come; when one brought nothing the run ends. The run is told
// to stop by the end of standard input.
void fetch(const Object& job);

}  // namespace dtu_fetch
