// D9: which values are secret, and hiding them.
#pragma once
#include <string_view>

#include "config/explain.hpp"
#include "config/schema.hpp"

namespace dtud::config {

constexpr const char kMask[] = "***";
// Behind the path of an address: of it only the values of the query are secret (url_query.hpp). No key ends so.
constexpr const char kQueryOnly[] = "\n?";
constexpr const char kMaskAlone[] = "*** stands for a stored secret, and none is stored here: give the secret itself";

// Known by name wherever they stand: password, new_password, secret, DeviceSecret, ProductSecret, in any letters.
[[nodiscard]] bool is_secret_name(std::string_view key);

// The paths, below `path`, of what is secret in `value`: by name, or by writeOnly or x-secret in its schema. Empty
// texts and nulls are not: that nothing is set is no secret. A URL with a user name in it is one as a whole, and so is
// whatever stands in the place of an object or list that would hold secrets, and under a key that no schema has and
// that seems to be the misspelt one of a secret. Of any other URL the values of its query are.
void collect_secrets(const Json& value, const SchemaNode& schema, const std::string& path, Paths& out);
// The same for a part no installed plugin knows: there, a name that only sounds like that of a secret is one.
void collect_likely_secrets(const Json& value, const std::string& path, Paths& out);

// What stands at `path` is one of `secrets`, or inside of one.
[[nodiscard]] bool is_secret(const std::string& path, const Paths& secrets);
// For a message about what is not secret as a whole.
[[nodiscard]] std::string shown_value(const Json& value, const std::string& path, const Paths& secrets);

// A copy with the mask at these paths. `value` stands at `path`.
[[nodiscard]] Json with_mask(const Json& value, const std::string& path, const Paths& secrets);
// The texts at and below these paths.
[[nodiscard]] std::vector<std::string> values_at(const Json& value, const std::string& path, const Paths& secrets);
// The paths where a mask stands instead of a secret.
[[nodiscard]] Paths still_masked(const Json& value, const std::string& path, const Paths& secrets);

}  // namespace dtud::config
