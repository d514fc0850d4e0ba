// Every plugin loaded so far, and what they offer. One thread at a time.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/loader/handshake.hpp"

namespace dtud::plugins {

class Catalogue {
 public:
  // Refused, as a whole, when a type or a dialect of it is offered already.
  [[nodiscard]] std::optional<Refusal> add(std::shared_ptr<const LoadedPlugin> plugin);
  // Why it cannot take the place of the plugin of its id: a type or a dialect of it is offered by another.
  [[nodiscard]] std::optional<Refusal> conflict(const LoadedPlugin& newer) const;
  // It takes that place. The former one is given back: whoever still uses its components must keep it.
  std::shared_ptr<const LoadedPlugin> supersede(std::shared_ptr<const LoadedPlugin> newer);
  [[nodiscard]] std::shared_ptr<const LoadedPlugin> plugin(std::string_view id) const;  // null: there is none

  [[nodiscard]] const LoadedComponent* find(uint32_t kind, std::string_view type) const;  // null: nobody offers it
  [[nodiscard]] const LoadedComponent* find_dialect(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> types(uint32_t kind) const;  // sorted
  [[nodiscard]] std::vector<std::string> dialects() const;            // sorted
  [[nodiscard]] const std::vector<std::shared_ptr<const LoadedPlugin>>& plugins() const { return plugins_; }

 private:
  std::vector<std::shared_ptr<const LoadedPlugin>> plugins_;
};

}  // namespace dtud::plugins
