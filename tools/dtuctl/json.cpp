#include "json.hpp"

#include <Poco/Base64Decoder.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <sstream>

#include "failure.hpp"

namespace dtuctl {

using Poco::JSON::Array;
using Poco::JSON::Object;

Json Json::parse(const std::string& text, const std::string& what, int exit_code) {
  try {
    const Poco::JSON::ParseHandler::Ptr handler =
        Poco::makeShared<Poco::JSON::ParseHandler>(true).cast<Poco::JSON::ParseHandler>();
    Poco::JSON::Parser parser(handler);
    const auto array = parser.parse("[" + text + "\n]").extract<Array::Ptr>();  // so that a scalar will do
    if (array->size() == 1) return Json(array->get(0));
  } catch (const Poco::Exception&) {
  }
  // What dtud answers holds no secret; what a person gives may.
  throw Failure(static_cast<Exit>(exit_code),
                what + " is not JSON" + (exit_code == kUsage ? "" : ": " + text.substr(0, 60)));
}

bool Json::is_object() const { return value_.type() == typeid(Object::Ptr); }
bool Json::is_array() const { return value_.type() == typeid(Array::Ptr); }

Json Json::operator[](const std::string& key) const {
  return is_object() ? Json(value_.extract<Object::Ptr>()->get(key)) : Json();
}

std::vector<std::string> Json::keys() const {
  return is_object() ? value_.extract<Object::Ptr>()->getNames() : std::vector<std::string>();
}

std::vector<Json> Json::items() const {
  std::vector<Json> all;
  if (is_array())
    for (const auto& v : *value_.extract<Array::Ptr>()) all.emplace_back(v);
  return all;
}

std::string Json::text() const {
  if (is_null()) return {};
  return is_string() ? value_.extract<std::string>() : dump();
}

uint64_t Json::number() const {
  try {
    return value_.isNumeric() ? value_.convert<uint64_t>() : 0;
  } catch (const Poco::Exception&) {
    return 0;  // negative
  }
}

bool Json::flag() const { return value_.isBoolean() && value_.convert<bool>(); }

std::string Json::dump(unsigned indent) const {
  std::ostringstream out;
  Poco::JSON::Stringifier::stringify(value_, out, indent);
  return out.str();
}

std::string from_base64(const std::string& text) {
  std::istringstream in(text);
  Poco::Base64Decoder decoder(in);
  std::ostringstream out;
  if (!text.empty()) out << decoder.rdbuf();
  return out.str();
}

}  // namespace dtuctl
