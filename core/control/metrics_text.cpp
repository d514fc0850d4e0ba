#include "control/metrics_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "log/utf8.hpp"

namespace dtud::control {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string valid_name(std::string_view name, bool colons) {
  std::string out;
  if (name.empty() || is_digit(name.front())) out.push_back('_');
  for (const char c : name) out.push_back(is_alpha(c) || is_digit(c) || (colons && c == ':') ? c : '_');
  return out;
}

void escape(std::string& out, std::string_view raw, bool quotes) {
  const std::string text = valid_utf8(raw);
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out.push_back(c);
    }
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    constexpr double exact = 9007199254740992.0;  // whole numbers below 2^53 are written without an exponent
    std::array<char, 40> text{};
    const bool whole = std::fabs(value) < exact && value == std::trunc(value);
    const auto end = whole ? std::to_chars(text.data(), text.data() + text.size(), static_cast<long long>(value))
                           : std::to_chars(text.data(), text.data() + text.size(), value);
    out.append(text.data(), end.ptr);
  }
}

}  // namespace

void MetricsText::counter(std::string_view name, std::string_view help, double value, const Labels& labels) {
  add("counter", name, help, value, labels);
}

void MetricsText::gauge(std::string_view name, std::string_view help, double value, const Labels& labels) {
  add("gauge", name, help, value, labels);
}

void MetricsText::add(const char* type, std::string_view name, std::string_view help, double value,
                      const Labels& labels) {
  std::string key = valid_name(name, true);
  const auto [at, fresh] = index_.try_emplace(key, families_.size());
  if (fresh) {
    std::string head = "# HELP " + key + " ";
    escape(head, help.empty() ? "Not described" : help, false);
    head += "\n# TYPE " + key + " " + type + "\n";
    families_.push_back({std::move(key), std::move(head), {}, type});
  }
  Family& family = families_[at->second];
  std::string out = family.name;
  char before = '{';
  for (const auto& [label, text] : labels) {
    out += before + valid_name(label, false) + "=\"";
    escape(out, text, true);
    out.push_back('"');
    before = ',';
  }
  if (!labels.empty()) out.push_back('}');
  if (std::strcmp(family.type, type) != 0 || !series_.insert(out).second) {
    ++conflicts_;
    return;
  }
  out.push_back(' ');
  append_number(out, value);
  out.push_back('\n');
  family.samples += out;
}

std::string MetricsText::take() {
  std::string out;
  for (const Family& f : families_) out += f.head + f.samples;
  families_.clear();
  index_.clear();
  series_.clear();
  conflicts_ = 0;
  return out;
}

}  // namespace dtud::control
