// The host side of the ABI: the one table all plugins get, and the services behind host->service.
#pragma once
#include <dtu/host.h>

#include <string_view>

namespace dtud::plugins {

struct Context;

[[nodiscard]] const dtu_host& host_table();
[[nodiscard]] const void* find_service(const Context& context, std::string_view id);  // null: not offered

}  // namespace dtud::plugins
