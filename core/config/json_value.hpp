// Poco's JSON values, with the few questions the rest of this folder asks of them.
#pragma once
#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <string>
#include <string_view>

namespace dtud::config {

using Json = Poco::Dynamic::Var;
using JsonObject = Poco::JSON::Object;
using JsonArray = Poco::JSON::Array;

enum class JsonType { null, boolean, integer, number, text, list, object };
[[nodiscard]] JsonType type_of(const Json& value);

// The object or list in a value, or null when it holds something else.
[[nodiscard]] const JsonObject* as_object(const Json& value);
[[nodiscard]] const JsonArray* as_list(const Json& value);
// The same object, to change it. The value must hold one.
[[nodiscard]] JsonObject::Ptr shared_object(const Json& value);
// The text, number or flag in a value; the fallback when it holds something else, or an integer that is no int64_t.
[[nodiscard]] std::string as_text(const Json& value, std::string_view fallback = {});
[[nodiscard]] int64_t as_integer(const Json& value, int64_t fallback = 0);
[[nodiscard]] bool as_flag(const Json& value, bool fallback = false);

[[nodiscard]] JsonObject::Ptr make_object();          // sorts its keys
[[nodiscard]] JsonObject::Ptr make_ordered_object();  // keeps their order, at the price of a search for every new one
[[nodiscard]] Json copy_of(const Json& value);
[[nodiscard]] bool equal(const Json& a, const Json& b);

[[nodiscard]] std::string to_json(const Json& value);
[[nodiscard]] std::string shown(const Json& value);         // as JSON, cut to 60 characters: for messages
[[nodiscard]] std::string shown_key(std::string_view key);  // in quotes, nothing unprintable, cut likewise
// A JSON pointer one level deeper.
[[nodiscard]] std::string below(const std::string& pointer, std::string_view key);
[[nodiscard]] std::string below(const std::string& pointer, size_t index);

}  // namespace dtud::config
