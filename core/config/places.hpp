// Where what belongs to this dtud is. It is looked for from where dtud itself lies, so an installation may be moved as
// a whole; only where that leads nowhere the place counts that the build was configured for.
#pragma once
#include <filesystem>
#include <string>

namespace dtud::config {

// The file this process runs; "" when /proc does not tell.
[[nodiscard]] std::filesystem::path own_program();

// ${libdir} of the installation `program` belongs to: the plugins are in its dtukit/plugins.
[[nodiscard]] std::filesystem::path library_folder(const std::filesystem::path& program);

// A program that is started as a child ("dtu-fetch"): beside `program`, as in a build, else in libexec/dtukit. Whether
// the file is there and may be run is for the start to find out.
[[nodiscard]] std::filesystem::path child_program(const std::filesystem::path& program, const std::string& name);
[[nodiscard]] std::filesystem::path child_program(const std::string& name);  // of this process

}  // namespace dtud::config
