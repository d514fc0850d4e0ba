// What a shared object says of itself, read without mapping or running it. Nothing in it is believed.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace dtu::check {

struct ElfFacts {
  std::string trouble;  // why it is no shared object for this machine; the rest is empty then
  std::vector<std::string> exports;
  std::vector<std::string> unique;     // of them, the GNU_UNIQUE ones
  std::vector<std::string> undefined;  // what it needs from others
  std::vector<std::string> needed;     // libraries
  std::vector<std::string> runpath;    // places, from DT_RPATH and DT_RUNPATH
  bool text_relocations = false;
  bool executable_stack = false;
  std::optional<std::string> types;  // of the section dtu_types
};

[[nodiscard]] ElfFacts read_elf(const std::string& file);

}  // namespace dtu::check
