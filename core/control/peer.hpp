// Who is at the other end of a Unix socket, and may they come in.
#pragma once
#include <sys/types.h>

#include <vector>

namespace dtud::control {

struct Peer {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
  std::vector<gid_t> groups;  // supplementary ones
};

// As the kernel recorded it when the peer connected. False: it cannot say.
[[nodiscard]] bool read_peer(int fd, Peer& peer);

// root, the owner, and those the mode of the socket file lets write: its group with 0020, everybody with 0002. The file
// system asks the same when it is connected to; this holds even where somebody loosened the file's mode afterwards.
[[nodiscard]] bool may_enter(const Peer& peer, uid_t owner, gid_t group, mode_t mode);

}  // namespace dtud::control
