// JSON as the tests read it.
#pragma once
#include <Poco/Dynamic/Var.h>

#include <cstdint>
#include <string>

namespace e2e {

using Json = Poco::Dynamic::Var;

Json parse_json(const std::string& text);  // empty on an error
std::string to_json(const Json& value);
// By a path: "outbox.dropped", "[0].state". Missing: -1, "", empty.
int64_t number(const Json& value, const std::string& path);
std::string text(const Json& value, const std::string& path);
Json at(const Json& value, const std::string& path);
size_t size(const Json& list);
// The object of a list whose member has this text; empty when there is none.
Json with(const Json& list, const std::string& member, const std::string& value);

}  // namespace e2e
