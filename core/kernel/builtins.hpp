// The kernel's own commands: what needs no plugin. Their names and arguments are what dialects build on.
#pragma once

namespace dtud {

class Kernel;
void add_builtins(Kernel& kernel);

}  // namespace dtud
