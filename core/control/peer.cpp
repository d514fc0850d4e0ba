#include "control/peer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace dtud::control {

bool read_peer(int fd, Peer& peer) {
  ucred cred{};
  socklen_t size = sizeof cred;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0) return false;
  peer.uid = cred.uid;
  peer.gid = cred.gid;
  peer.pid = cred.pid;
#ifdef SO_PEERGROUPS
  std::vector<gid_t> groups(64);
  size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
    groups.resize(size / sizeof(gid_t));
    peer.groups = std::move(groups);
  }  // more than 64, or a kernel before 4.13: the first group decides alone
#endif
  return true;
}

bool may_enter(const Peer& peer, uid_t owner, gid_t group, mode_t mode) {
  if (peer.uid == 0 || peer.uid == owner || (mode & 0002U) != 0) return true;
  if ((mode & 0020U) == 0) return false;
  return peer.gid == group || std::find(peer.groups.begin(), peer.groups.end(), group) != peer.groups.end();
}

}  // namespace dtud::control
