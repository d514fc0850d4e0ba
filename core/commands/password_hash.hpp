// Passwords as scrypt hashes (architecture, section 8), in the form of crypt(3): "$7$...". Any thread.
#pragma once
#include <string>
#include <string_view>

namespace dtud::commands {

// A hash this dtud can work with: its own cost, so that a document cannot ask for gigabytes.
[[nodiscard]] bool is_password_hash(std::string_view text);
// Looks like a hash, but is of another kind or cost.
[[nodiscard]] bool is_foreign_hash(std::string_view text);

// With a salt of its own. Takes 4 MiB, and some 10 ms on a desk machine. Throws std::runtime_error when the system
// cannot do it.
[[nodiscard]] std::string hash_password(const std::string& password);
[[nodiscard]] bool password_matches(const std::string& hash, const std::string& password);

// Takes the same time wherever the first difference is.
[[nodiscard]] bool same_text(std::string_view a, std::string_view b);

}  // namespace dtud::commands
