// The symlink a pty can be found by, as its own name differs from run to run.
#pragma once
#include <dtu/sdk/host.hpp>

#include <string>

namespace hal_sim {

// Why no link of dtud can be made at `path`, as far as it shows without making one; "" when nothing is in the way.
[[nodiscard]] std::string why_no_link(const std::string& path);

class Link {
 public:
  // Makes the symlink. What stands there already is replaced only when it is a dangling symlink or one this instance
  // made in an earlier run (dtu.kv/1 remembers); anything else is a DTU_E_INVALID that says so.
  Link(dtu::Host host, std::string path, std::string target, const std::string& port);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link();  // removes it, unless it points elsewhere by now

 private:
  dtu::Host host_;
  std::string path_, target_, key_;
};

}  // namespace hal_sim
