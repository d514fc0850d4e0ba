#include <algorithm>

#include "descriptor_check.hpp"

namespace dtu::check {
namespace {

std::string joined(const std::vector<std::string>& all) {
  constexpr size_t shown = 5;
  std::string out;
  for (size_t k = 0; k < std::min(all.size(), shown); ++k) out += (k == 0 ? "" : ", ") + all[k];
  return all.size() > shown ? out + " and " + std::to_string(all.size() - shown) + " more" : out;
}

bool begins(const std::string& text, const std::string& with) { return text.compare(0, with.size(), with) == 0; }

bool is_sane_place(const std::string& place) {
  if (begins(place, "$ORIGIN") || begins(place, "${ORIGIN}")) return true;
  constexpr const char* roots[] = {"/usr/", "/lib", "/opt/"};
  return std::any_of(std::begin(roots), std::end(roots), [&](const char* root) { return begins(place, root); });
}

}  // namespace

void check_elf(const ElfFacts& facts, const Say& say) {
  std::vector<std::string> leaked;
  for (const std::string& name : facts.exports)
    if (!begins(name, "dtu_plugin_v") &&
        std::find(facts.unique.begin(), facts.unique.end(), name) == facts.unique.end())
      leaked.push_back(name);
  if (!leaked.empty()) say("file.exports", "it exports " + joined(leaked));
  if (!facts.unique.empty()) say("file.unique", "it has the GNU_UNIQUE symbols " + joined(facts.unique));
  if (facts.text_relocations) say("file.text-relocations", "it has text relocations (DT_TEXTREL)");
  if (facts.executable_stack) say("file.executable-stack", "it asks for an executable stack (PT_GNU_STACK)");
  for (const std::string& place : facts.runpath)
    if (!is_sane_place(place)) say("file.runpath", "it looks for libraries in \"" + place + "\"");
  if (!facts.types) say("file.no-types", "it has no section dtu_types");
}

}  // namespace dtu::check
