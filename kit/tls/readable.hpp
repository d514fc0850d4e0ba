// Whether a file of certificates or keys can be read without waiting.
#pragma once
#include <string>

namespace tls {

// "" or why it cannot be read. OpenSSL would also wait for a pipe, and does not say which file it could not open.
[[nodiscard]] std::string why_unreadable(const std::string& file);

}  // namespace tls
