#include "port_holder.hpp"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

namespace channel_tcp {
namespace {

namespace fs = std::filesystem;

// The sockets that listen on it, as their descriptors are shown: "socket:[4711]".
void listeners(const char* table, uint16_t port, std::set<std::string>& out) {
  constexpr std::string_view kListening = "0A";
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // the names of the columns
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    columns >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
    const size_t colon = local.rfind(':');
    unsigned local_port = 0;
    if (state != kListening || inode.empty() || colon == std::string::npos) continue;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), local_port, 16);
    if (local_port == port) out.insert("socket:[" + inode + "]");
  }
}

bool has_one(const fs::path& process, const std::set<std::string>& sockets) {
  std::error_code none;
  for (fs::directory_iterator fd(process / "fd", none), end; !none && fd != end; fd.increment(none)) {
    std::error_code gone;
    if (sockets.count(fs::read_symlink(fd->path(), gone).string()) != 0) return true;
  }
  return false;
}

}  // namespace

std::string holder_of(uint16_t port) {
  std::set<std::string> sockets;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) listeners(table, port, sockets);
  if (sockets.empty()) return {};
  if (has_one("/proc/self", sockets)) return "another channel of this program";
  std::error_code none;
  for (fs::directory_iterator process("/proc", none), end; !none && process != end; process.increment(none)) {
    const std::string pid = process->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos || !has_one(process->path(), sockets)) continue;
    std::string name;
    std::getline(std::ifstream(process->path() / "comm"), name);
    return "pid " + pid + " (" + name + ")";
  }
  return {};
}

}  // namespace channel_tcp
