// Where an answer sends us.
#pragma once
#include <cstdint>
#include <string>

#include <dtu/kit/http/message.hpp>

namespace http {

constexpr uint32_t kMostRedirects = 5;

[[nodiscard]] bool redirects(int status);
// Throws Broken (redirect) when it leads nowhere, to another scheme, or from https to http.
[[nodiscard]] Url redirected(const Url& from, const std::string& location);

}  // namespace http
