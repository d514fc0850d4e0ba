// Topic names and filters of MQTT 3.1.1 and 5 (sections 4.7).
#pragma once
#include <string>
#include <string_view>

namespace mqtt {

// "" when it may be published to, else what is wrong.
std::string check_topic(std::string_view topic);
// "" when it may be subscribed to, else what is wrong.
std::string check_filter(std::string_view filter);
// Does `topic` fall under `filter`? "$share/group/" in front of a filter does not count.
bool matches(std::string_view filter, std::string_view topic);

}  // namespace mqtt
