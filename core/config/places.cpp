#include "config/places.hpp"

namespace dtud::config {
namespace fs = std::filesystem;
namespace {

bool there(const fs::path& path) {
  std::error_code ec;
  return fs::exists(path, ec);
}

// `from_bin`: the way from the folder of dtud, "../lib".
fs::path moved(const fs::path& program, const char* from_bin) {
  return (program.parent_path() / from_bin).lexically_normal();
}

}  // namespace

fs::path own_program() {
  std::error_code ec;
  return fs::read_symlink("/proc/self/exe", ec);
}

fs::path library_folder(const fs::path& program) {
  if (program.is_absolute()) {
    fs::path here = moved(program, DTUD_LIBDIR_FROM_BIN);
    if (there(here / "dtukit")) return here;
  }
  return DTUD_LIBDIR;
}

fs::path child_program(const fs::path& program, const std::string& name) {
  if (program.is_absolute()) {
    fs::path beside = program.parent_path() / name;
    if (there(beside)) return beside;
    fs::path here = moved(program, DTUD_CHILDDIR_FROM_BIN) / name;
    if (there(here)) return here;
  }
  return fs::path(DTUD_CHILDDIR) / name;
}

fs::path child_program(const std::string& name) { return child_program(own_program(), name); }

}  // namespace dtud::config
