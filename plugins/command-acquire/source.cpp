#include "source.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/URI.h>

#include <dtu/sdk/text.hpp>

namespace command_acquire {
namespace {

using Poco::JSON::Object;

constexpr size_t kDepth = 32;  // as the host's own documents

Poco::Dynamic::Var parsed(std::string_view json) {
  Poco::JSON::Parser parser;
  parser.setDepth(kDepth);
  return parser.parse(std::string(json));
}

Object::Ptr object_of(std::string_view json, const std::string& what) {
  std::string why = "it is a value of another type";
  try {
    const auto value = parsed(json);
    if (value.type() == typeid(Object::Ptr)) return value.extract<Object::Ptr>();
  } catch (const Poco::Exception& e) {
    why = e.displayText();
  }
  throw dtu::Failure(DTU_E_INVALID, what + " is not a JSON object: " + why.substr(0, 120));
}

std::string text(const Poco::Dynamic::Var& value) {
  const bool plain = value.isString() || (value.isNumeric() && !value.isBoolean());
  return plain ? value.convert<std::string>() : "";
}

std::string encoded(std::string_view plain_text) {
  std::string out;
  Poco::URI::encode(std::string(plain_text), "!#$&'()*+,/:;=?@[]\"<>%", out);
  return out;
}

}  // namespace

Source read_source(std::string_view document) {
  const Object::Ptr object = object_of(document, "the device document");
  Source s;
  s.on = text(object->get("service_acquire")) == "1";
  s.url = text(object->get("acquire_url"));
  s.version = text(object->get("version"));
  return s;
}

std::string address(const Source& source, std::string_view imei) {
  const std::string url = source.url.substr(0, source.url.find('#'));
  return url + (url.find('?') == std::string::npos ? "?" : "&") + "imei=" + encoded(imei) +
         "&ver=" + encoded(source.version);
}

std::string offered_version(std::string_view document) {
  const Object::Ptr object = object_of(document, "the document of the server");
  std::string version = text(object->get("version"));
  if (version.empty()) throw dtu::Failure(DTU_E_INVALID, "the document the server sent has no version");
  return version;
}

std::string plain(std::string_view json) {
  try {
    return text(parsed("[" + std::string(json) + "]").extract<Poco::JSON::Array::Ptr>()->get(0));
  } catch (const Poco::Exception&) {
    return "";
  }
}

}  // namespace command_acquire
