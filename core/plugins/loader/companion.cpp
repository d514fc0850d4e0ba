#include "plugins/loader/companion.hpp"

#include <filesystem>

namespace dtud::plugins {

std::string companion(const std::string& name) {
  std::error_code ec;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ec).parent_path() / name;
  return !ec && std::filesystem::exists(beside, ec) ? beside.string() : DTUD_LIBEXECDIR "/dtukit/" + name;
}

}  // namespace dtud::plugins
