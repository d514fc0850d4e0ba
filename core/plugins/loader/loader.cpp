#include "plugins/loader/loader.hpp"

#define BOOST_DLL_USE_STD_FS  // or it would need libboost_filesystem
#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <set>

#include "plugins/loader/trust.hpp"
#include "plugins/loader/types.hpp"

namespace dtud::plugins {
namespace {

namespace dll = boost::dll;
constexpr unsigned majors_known = 32;  // dtu_plugin_v0 to v31 are looked for to name what was found

std::string symbol(unsigned major) { return "dtu_plugin_v" + std::to_string(major); }

// Lazy binding would turn a missing symbol into the end of dtud in mid-call, hence rtld_now. RTLD_NODELETE is what
// Boost has no name for: the handle may be closed, the code stays.
dll::load_mode::type mode() {
  return dll::load_mode::rtld_now | dll::load_mode::rtld_local | static_cast<dll::load_mode::type>(RTLD_NODELETE);
}

// A type or key that DTU_TYPES does not name would never be found, and one it names in vain would be looked for here.
std::string disagreement(const DeclaredTypes& declared, const LoadedPlugin& plugin) {
  if (declared.verdict != DeclaredTypes::Verdict::declared) return {};
  std::set<std::string> held;
  for (const LoadedComponent& c : plugin.components) {
    held.insert(full_type(c.kind, c.type));
    for (const DeclaredKey& key : c.keys) held.insert("key:" + key.name);
  }
  std::set<std::string> said;
  for (const std::string& type : declared.types)
    for (const uint32_t kind : {DTU_KIND_CHANNEL, DTU_KIND_HAL, DTU_KIND_COMMAND})  // a newer minor may have others
      if (type.substr(0, type.find(':')) == kind_name(kind)) said.insert(type);
  for (const std::string& key : declared.keys) said.insert("key:" + key);
  for (const std::string& type : held)
    if (said.erase(type) == 0) return "it holds " + type + ", which its DTU_TYPES does not name";
  return said.empty() ? std::string() : "its DTU_TYPES names " + *said.begin() + ", which it does not hold";
}

// The linker begins its words with the file, mostly.
std::string without_file(const std::string& why, const std::filesystem::path& file) {
  const std::string prefix = file.string() + ": ";
  return why.compare(0, prefix.size(), prefix) == 0 ? why.substr(prefix.size()) : why;
}

std::string no_symbol(const std::filesystem::path& file, const dll::shared_library& library) {
  for (unsigned major = 0; major < majors_known; ++major)
    if (major != DTU_ABI_MAJOR && library.has(symbol(major))) return other_major(file, major);
  return file.string() + ": exports no " + symbol(DTU_ABI_MAJOR) + ": not a dtukit plugin, remove it from the folder";
}

}  // namespace

LoadResult load(const std::filesystem::path& wanted, uint64_t build) {
  const Trust trust = check_trust(wanted);
  if (!trust.refusal.empty()) return Refusal{trust.refusal};
  const DeclaredTypes declared = read_types(trust.file);
  if (declared.verdict == DeclaredTypes::Verdict::refused) return Refusal{declared.refusal};

  dll::fs::error_code ec;
  const dll::shared_library library(trust.file, ec, mode());
  if (ec) {
    // Boost says "bad file descriptor" whatever the reason; the linker's own words name it.
    const char* why = dlerror();
    return Refusal{trust.file.string() +
                   ": cannot be loaded: " + without_file(why == nullptr ? ec.message() : why, trust.file) +
                   ": get a build for this system, or install the library it needs"};
  }
  if (!library.has(symbol(DTU_ABI_MAJOR))) return Refusal{no_symbol(trust.file, library)};
  auto read = read_descriptor(trust.file, library.get<const dtu_plugin>(symbol(DTU_ABI_MAJOR)));
  if (auto* refusal = std::get_if<Refusal>(&read)) return std::move(*refusal);
  auto& plugin = std::get<LoadedPlugin>(read);
  if (const std::string why = disagreement(declared, plugin); !why.empty())
    return Refusal{trust.file.string() + ": " + why + ": correct the macro and rebuild"};
  for (LoadedComponent& c : plugin.components) c.build = build;
  return std::make_shared<const LoadedPlugin>(std::move(plugin));
}

}  // namespace dtud::plugins
