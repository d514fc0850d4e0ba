// Opens a plugin file and reads what it holds. No function of the plugin is called (its static constructors do run).
#pragma once
#include <filesystem>
#include <memory>
#include <variant>

#include "plugins/loader/handshake.hpp"

namespace dtud::plugins {

using LoadResult = std::variant<std::shared_ptr<const LoadedPlugin>, Refusal>;

// Checks trust (trust.hpp), opens, and reads the descriptor. What was opened stays mapped until the process ends, also
// when it is refused: threads, thread-local destructors and exception objects of a plugin may outlive any instance.
// Any thread, one at a time. build: for its components.
[[nodiscard]] LoadResult load(const std::filesystem::path& file, uint64_t build = 0);

}  // namespace dtud::plugins
