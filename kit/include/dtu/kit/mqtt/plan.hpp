// What a channel's configuration comes to, and the names that stand for something in its texts. There are two kinds:
//   - names of the cloud, as {product} and {device} in the topics of its documents: expand();
//   - placeholders of dtud, as {imei}, whose values the board tells after start(): filled().
#pragma once
#include <dtu/kit/mqtt/options.hpp>
#include <dtu/sdk/placeholders.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mqtt {

struct Plan {
  Options options;              // its subscriptions too
  std::vector<Target> targets;  // the first one takes messages that name no topic id
};

// "dev/{product}/{device}/up" with the values of its names. What is in braces and has no value is left as it is.
[[nodiscard]] std::string expand(std::string_view text,
                                 std::initializer_list<std::pair<std::string_view, std::string_view>> values);

// The placeholders of dtud that a text has, and the text with their values.
[[nodiscard]] dtu::PlaceholderSet used_in(std::string_view text);
[[nodiscard]] std::string filled(std::string_view text, const dtu::PlaceholderValues& values);

// The same for all texts of a plan: client id, will, birth message, filters, topics. Throws dtu::Failure
// (DTU_E_INVALID) when a value makes a topic wrong.
[[nodiscard]] dtu::PlaceholderSet used_in(const Plan& plan);
void fill(Plan& plan, const dtu::PlaceholderValues& values);

}  // namespace mqtt
