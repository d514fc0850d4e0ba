#include "json.hpp"

#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Query.h>
#include <Poco/JSON/Stringifier.h>

#include <sstream>

namespace e2e {

Json parse_json(const std::string& text) {
  try {
    return Poco::JSON::Parser().parse(text);
  } catch (const Poco::Exception&) {
    return {};
  }
}

std::string to_json(const Json& value) {
  std::ostringstream out;
  Poco::JSON::Stringifier::stringify(value, out);
  return out.str();
}

Json at(const Json& value, const std::string& path) {
  if (value.isEmpty()) return {};
  try {
    return Poco::JSON::Query(value).find(path);
  } catch (const Poco::Exception&) {
    return {};
  }
}

int64_t number(const Json& value, const std::string& path) {
  const Json found = at(value, path);
  try {
    return found.isEmpty() ? -1 : found.convert<int64_t>();
  } catch (const Poco::Exception&) {
    return -1;
  }
}

std::string text(const Json& value, const std::string& path) {
  const Json found = at(value, path);
  if (found.isEmpty()) return "";
  return found.isString() ? found.extract<std::string>() : to_json(found);
}

size_t size(const Json& list) {
  return list.type() == typeid(Poco::JSON::Array::Ptr) ? list.extract<Poco::JSON::Array::Ptr>()->size() : 0;
}

Json with(const Json& list, const std::string& member, const std::string& value) {
  for (size_t i = 0; i < size(list); ++i) {
    const Json one = list.extract<Poco::JSON::Array::Ptr>()->get(static_cast<unsigned>(i));
    if (text(one, member) == value) return one;
  }
  return {};
}

}  // namespace e2e
