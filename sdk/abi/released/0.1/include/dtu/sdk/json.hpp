// Reads the JSON a host hands over (configuration, arguments) where it lies, and writes the texts of answers: enough
// for a plugin that wants no library for it. Not part of sdk.hpp: include it where it is used.
//
//   const dtu::Json config(text);                          // Failure(DTU_E_INVALID) when it is no JSON
//   const std::string url = config["url"].text();          // Failure when it is no string, "" when it is not there
//   const int64_t port = config["port"].integer(1883);     // 1883 when it is not there
//   config["topics"].each([](std::string_view key, const dtu::Json& topic) { ... });
//   host_.reply(call, "{\"greeting\":" + dtu::quoted(text) + "}");
#pragma once
#include <dtu/sdk/json_text.hpp>

#include <cstdlib>

namespace dtu {

// A value, or the place where none is. A view: the text outlives it, its keys are copied.
class Json {
 public:
  static constexpr int kDepthMax = 64;

  // The whole text is checked here, so that nothing below meets anything but JSON.
  explicit Json(std::string_view text) {
    size_t at = 0;
    json::skip_blank(text, at);
    const size_t begin = at;
    json::skip_value(text, at, kDepthMax);
    value_ = text.substr(begin, at - begin);
    json::skip_blank(text, at);
    if (at != text.size()) json::broken();
  }

  [[nodiscard]] bool exists() const noexcept { return !value_.empty() && value_ != "null"; }
  [[nodiscard]] std::string_view raw() const noexcept { return value_; }  // as it was written; "" where none is
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // A member; a value that does not exist when there is none of that key, or no object to have it. A text, a number or
  // a list has no members: a Failure, and so has a whole document that is null.
  [[nodiscard]] Json operator[](std::string_view key) const {
    if (!is('{') && (exists() || (name_.empty() && !value_.empty()))) wrong("an object");
    Json found(below(key), {});
    if (is('{')) walk([&](std::string_view k, std::string_view v) { return k != key || (found.value_ = v, false); });
    return found;
  }
  // Every member of an object, or entry of an array (with an empty key), in order.
  template <typename Each>
  void each(Each&& each) const {
    if (is('{') || is('['))
      walk([&](std::string_view k, std::string_view v) {
        each(k, Json(is('{') ? below(k) : name_ + "[]", v));
        return true;
      });
    else if (exists())
      wrong("a list or an object");
  }

  [[nodiscard]] std::string text(std::string_view otherwise = {}) const {
    if (!exists()) return std::string(otherwise);
    if (!is('"')) wrong("a text");
    return json::unquoted(value_);
  }
  [[nodiscard]] int64_t integer(int64_t otherwise = 0) const {
    if (!exists()) return otherwise;
    int64_t number = 0;
    const auto [end, error] = std::from_chars(value_.data(), value_.data() + value_.size(), number);
    if (error != std::errc() || end != value_.data() + value_.size()) wrong("a whole number of 64 bits");
    return number;
  }
  [[nodiscard]] double number(double otherwise = 0) const {
    if (!exists()) return otherwise;
    if (!is('-') && (value_[0] < '0' || value_[0] > '9')) wrong("a number");
    return std::strtod(std::string(value_).c_str(), nullptr);
  }
  [[nodiscard]] bool flag(bool otherwise = false) const {
    if (!exists()) return otherwise;
    if (value_ != "true" && value_ != "false") wrong("true or false");
    return value_ == "true";
  }

 private:
  Json(std::string name, std::string_view value) : name_(std::move(name)), value_(value) {}
  [[nodiscard]] std::string below(std::string_view key) const {
    return name_.empty() ? std::string(key) : name_ + "." + std::string(key);
  }
  [[nodiscard]] bool is(char first) const noexcept { return !value_.empty() && value_[0] == first; }
  [[noreturn]] void wrong(const char* wanted) const {
    throw Failure(DTU_E_INVALID, (name_.empty() ? std::string("the value") : name_) + " has to be " + wanted);
  }

  template <typename Each>
  void walk(Each&& each) const {
    size_t at = 0;
    json::walk(value_, at, kDepthMax, each);
  }

  std::string name_;
  std::string_view value_;
};

// UTF-8 as a JSON string, with its quotes.
inline std::string quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      ((out += "\\u00") += kHex[static_cast<unsigned char>(c) >> 4U]) += kHex[static_cast<unsigned char>(c) & 0xFU];
    } else {
      out += c;
    }
  }
  return out += '"';
}

}  // namespace dtu
