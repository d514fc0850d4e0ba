// Members of commands and documents that are secret by their names, in traffic: JSON, JSON as lenient readers of
// commands take it, JSON in a string of JSON, and pieces of all of these. Any thread.
#pragma once
#include <map>
#include <string>
#include <string_view>

namespace dtud {

// Lower-case names of members that are secret, or hold secrets. The number: of a list the entries from this one on are
// secret, and everything else as a whole.
using SecretNames = std::map<std::string, size_t, std::less<>>;

// Sounds like a secret: any name with "passw", "secret", "token", ... in it, in any letters.
[[nodiscard]] bool sounds_secret(std::string_view name);

// As many characters as `text` has: '*' where a byte is of a secret, and ' ' where not. Secret are the values of
// members that sound secret or that `names` has, and of each URL the user and the values of the query. When in doubt, a
// byte is secret. The work is in proportion to the length of the text.
[[nodiscard]] std::string secret_bytes(std::string_view text, const SecretNames& names);

}  // namespace dtud
