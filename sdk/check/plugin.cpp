#include "plugin.hpp"

#include <dlfcn.h>

namespace dtu::check {
namespace {

constexpr unsigned majors_max = 32;

}  // namespace

Opened open_plugin(const std::string& file) {
  Opened out;
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed, as in dtud
  if (handle == nullptr) {
    const char* why = dlerror();
    out.trouble = why != nullptr ? why : "it cannot be loaded";
    return out;
  }
  for (unsigned major = 0; major < majors_max; ++major) {
    const void* symbol = dlsym(handle, ("dtu_plugin_v" + std::to_string(major)).c_str());
    if (symbol == nullptr) continue;
    if (major == DTU_ABI_MAJOR)
      out.descriptor = static_cast<const dtu_plugin*>(symbol);
    else
      out.other_majors.push_back(major);
  }
  return out;
}

std::string kind_name(uint32_t kind) {
  constexpr const char* names[] = {"", "channel", "hal", "command"};
  return kind <= DTU_KIND_COMMAND ? names[kind] : "";
}

}  // namespace dtu::check
