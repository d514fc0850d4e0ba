// Names of members that the installed schemas call secret, for texts that are no documents: traffic.
#pragma once
#include <string>

#include "config/documents.hpp"
#include "log/secret_members.hpp"

namespace dtud::config {

// Of the device document and of all that is installed.
[[nodiscard]] SecretNames secret_names(const Schemas& schemas);
// Those of one schema. A schema that cannot be read has none.
void add_secret_names(const std::string& schema, SecretNames& names);
void add_secret_names_of_key(const std::string& key, const std::string& schema, SecretNames& names);

}  // namespace dtud::config
