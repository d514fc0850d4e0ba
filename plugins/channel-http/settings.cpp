#include "settings.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/String.h>

#include <algorithm>
#include <array>
#include <dtu/kit/tls/files.hpp>
#include <dtu/sdk/text.hpp>

namespace channel_http {
namespace {

using Poco::JSON::Object;

constexpr std::array<const char*, 5> kMethods = {"GET", "POST", "PUT", "DELETE", "HEAD"};
// What the client says itself, and what would change where a message ends.
constexpr std::array<const char*, 11> kOurHeaders = {
    "Host",    "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Keep-Alive", "TE",
    "Trailer", "Upgrade",        "Expect",       "Accept-Encoding",
};
constexpr size_t kMostHeaders = 16;
constexpr size_t kLongestHeader = 1024;

// key: "request.1.url".
[[noreturn]] void bad(const std::string& key, const std::string& why) {
  std::string path = "/" + key;
  std::replace(path.begin(), path.end(), '.', '/');
  throw dtu::Failure(DTU_E_INVALID, key + " " + why).at(path);
}

template <typename T>
T get(const Object& from, const std::string& key, T otherwise) {
  if (!from.has(key) || from.isNull(key)) return otherwise;
  try {
    return from.getValue<T>(key);
  } catch (const Poco::Exception&) {
    bad(key, "has a value of the wrong type");
  }
}

uint32_t number(const Object& from, const std::string& key, uint32_t otherwise, uint32_t low, uint32_t high) {
  const auto value = get<int64_t>(from, key, otherwise);
  if (value < low || value > high)
    bad(key,
        "is " + std::to_string(value) + ": " + std::to_string(low) + " to " + std::to_string(high) + " are allowed");
  return static_cast<uint32_t>(value);
}

std::string method_of(const Object& from, const std::string& path, const std::string& otherwise) {
  std::string method = Poco::toUpper(get<std::string>(from, "method", otherwise));
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end())
    bad(path + "method", "is \"" + method + "\": get, post, put, delete and head are allowed");
  return method;
}

std::string body_of(const Object& from, const std::string& path, const std::string& otherwise) {
  std::string body;
  for (const char* key : {"reg_data", "data", "post_data"}) {
    const auto one = get<std::string>(from, key, "");
    if (!body.empty() && !one.empty() && one != body)
      bad(path + key, "is a second, different body: reg_data, data and post_data mean the same, give one");
    if (!one.empty()) body = one;
  }
  return body.empty() ? otherwise : body;
}

http::Url url_of(const std::string& key, const std::string& text) {
  try {
    if (text.empty()) bad(key, "is missing: give an address that begins with http:// or https://");
    return http::parse_url(text);
  } catch (const dtu::Failure& e) {
    if (text.empty()) throw;
    bad(key, e.what());
  }
}

// Numbers by value and before the rest; the rest by spelling.
bool lower_id(const Target& a, const Target& b) {
  const auto rank = [](const std::string& id) {
    const bool digits = std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
    return digits ? id.size() - std::min(id.find_first_not_of('0'), id.size() - 1) : std::string::npos;
  };
  const auto x = rank(a.id);
  const auto y = rank(b.id);
  return x != y ? x < y : a.id < b.id;
}

void read_targets(const Object& config, Settings& s) {
  Target common;
  common.method = method_of(config, "", "post");
  common.fixed_body = body_of(config, "", "");
  const auto common_url = get<std::string>(config, "url", "");
  const Object::Ptr requests = config.getObject("request");
  if (!requests || requests->size() == 0) {
    common.url = url_of("url", common_url);
    s.targets.push_back(std::move(common));
    return;
  }
  for (const auto& [id, value] : *requests) {
    const std::string path = "request." + id + ".";
    if (id.empty() || id.size() > 15 || id == "99")
      bad("request." + id, "has an id that is not allowed: 1 to 15 characters, and not 99");
    if (value.type() != typeid(Object::Ptr)) bad("request." + id, "must be an object with method and url");
    const auto& entry = *value.extract<Object::Ptr>();
    Target target;
    target.id = id;
    target.method = method_of(entry, path, common.method);
    target.fixed_body = body_of(entry, path, common.fixed_body);
    target.url = url_of(path + "url", get<std::string>(entry, "url", common_url));
    s.targets.push_back(std::move(target));
  }
  std::sort(s.targets.begin(), s.targets.end(), lower_id);
}

void check_value(const std::string& key, const std::string& value) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (value.size() > kLongestHeader || !std::all_of(value.begin(), value.end(), printable))
    bad(key,
        "has a value that is not allowed: at most " + std::to_string(kLongestHeader) + " characters of plain ASCII");
}

void read_headers(const Object& config, Settings& s) {
  const Object::Ptr headers = config.getObject("headers");
  if (!headers) return;
  if (headers->size() > kMostHeaders) bad("headers", "has more than " + std::to_string(kMostHeaders) + " entries");
  for (const auto& [name, value] : *headers) {
    const std::string key = "headers." + name;
    constexpr const char* kToken = "!#$%&'*+.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    if (name.empty() || name.size() > 64 || name.find_first_not_of(kToken) != std::string::npos)
      bad(key.substr(0, 80), "is not a header name");
    const auto same = [&name = name](const char* ours) { return Poco::icompare(name, ours) == 0; };
    if (std::any_of(kOurHeaders.begin(), kOurHeaders.end(), same))
      bad(key,
          same("Content-Type") ? "has a key of its own: content_type" : "is set by the client itself: leave it out");
    if (!value.isString()) bad(key, "must be a string");
    check_value(key, value.toString());
    s.headers.emplace_back(name, value.toString());
  }
}

Settings read(const Object& config) {
  Settings s;
  read_targets(config, s);
  read_headers(config, s);
  const auto timeout = get<double>(config, "timeout", 10);
  if (!(timeout >= 1 && timeout <= 300)) bad("timeout", "is not from 1 to 300 s");
  s.timeout_ms = static_cast<uint32_t>(timeout * 1000);
  s.answer_max = number(config, "answer_max", s.answer_max, 0, 1U << 20U);
  s.content_type = get<std::string>(config, "content_type", "");
  check_value("content_type", s.content_type);
  if (s.content_type.empty())
    s.content_type =
        get<std::string>(config, "uplink", "json") == "raw" ? "application/octet-stream" : "application/json";
  if (const Object::Ptr again = config.getObject("reconnect")) {
    s.retry_min_ms = number(*again, "min_ms", s.retry_min_ms, 10, 3'600'000);
    const uint32_t most = number(*again, "max_ms", s.retry_max_ms, 10, 3'600'000);
    s.max_below_min = most < s.retry_min_ms;
    s.retry_max_ms = std::max(s.retry_min_ms, most);
  }
  return s;
}

}  // namespace

Settings read_settings(std::string_view json) {
  try {
    Poco::JSON::Parser parser;
    parser.setDepth(16);
    const auto object = parser.parse(std::string(json)).extract<Object::Ptr>();
    Settings s = read(*object);
    s.tls = tls::read_settings(dtu::Json(json));
    return s;
  } catch (const Poco::Exception& e) {
    throw dtu::Failure(DTU_E_INVALID, "the configuration is not a JSON object: " + e.displayText());
  }
}

void check_settings(std::string_view json, const dtu::Findings& found) {
  const Settings s = read_settings(json);
  if (s.max_below_min) found.warning("/reconnect/max_ms", "is less than min_ms: min_ms is used for both");
  if (std::any_of(s.targets.begin(), s.targets.end(), [](const Target& t) { return t.url.tls; }))
    tls::check_files(s.tls, "/tls", found);
}

}  // namespace channel_http
