// Where packages are kept: PATH is a link to PATH.d/3-1.4.0, and an installation replaces the link. The release before
// stays, older ones go.
#pragma once
#include <string>

#include "unpack.hpp"

namespace dtu_package {

// On the disk, whole, when this returns; PATH leads to the old one until then. Throws Refused.
void install(const std::string& file, const std::string& path, const std::string& version, const Limits& limits,
             const std::function<void(int)>& percent);
// The version PATH leads to; "" = nothing is installed.
[[nodiscard]] std::string installed_version(const std::string& path);

}  // namespace dtu_package
