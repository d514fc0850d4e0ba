// What can be known of a plugin before an instance of it exists.
#pragma once
#include "child.hpp"
#include "elf_file.hpp"
#include "plugin.hpp"

namespace dtu::check {

using Say = std::function<void(const char* rule, const std::string& what)>;

// The file as it lies there.
void check_elf(const ElfFacts& facts, const Say& say);

// In a child: loads it, reads its descriptor. Facts: "components" (how many passed), and of each "<n>.name",
// "<n>.index" and "<n>.schema"; "refused" = the rest makes no sense.
void check_descriptor(const std::string& file, const ElfFacts& facts, Wire& wire, Trail& trail);

}  // namespace dtu::check
