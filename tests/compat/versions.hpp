// The releases whose plugins were built: "today", "0.1", ...
#pragma once
#include <sstream>
#include <string>
#include <vector>

namespace compat {

inline std::vector<std::string> versions(const char* listed = DTUKIT_COMPAT_VERSIONS) {
  std::vector<std::string> all;
  std::istringstream list(listed);
  for (std::string one; std::getline(list, one, ',');) all.push_back(one);
  return all;
}

// As a part of a test's name.
inline std::string test_name(std::string version) {
  for (char& c : version)
    if (c == '.' || c == '-') c = '_';
  return version;
}

}  // namespace compat
