// Texts of the configuration that stand for other bytes: "plant/{imei}/up", "0x55aa00ff". A schema marks such a text;
// dtud then reports an unknown placeholder or bad hexadecimal digits when it checks a document, and replaces {id} by
// the channel's id before create().
//
//   "x-dtu-text": "placeholders"
//   "x-dtu-text": "bytes"         placeholders; or, after 0x, an even number of hexadecimal digits
//
//   const dtu::TextTemplate topic("plant/{imei}/up", dtu::TextTemplate::Form::text);
//   if (!topic.constant()) ...  // its values have to be read first: placeholder_values.hpp
//   const std::string filled = topic.fill(values);
//
// Not part of sdk.hpp: include it where it is used.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dtu {

// {csq}: the signal as AT+CSQ gives it. {ver}: `version` of the device document, else of the board, else 0.
inline constexpr std::array<std::string_view, 5> kPlaceholders{"imei", "iccid", "csq", "ver", "id"};
enum class Placeholder : size_t { imei, iccid, csq, ver, id };

// The value of each placeholder; "": it has none.
class PlaceholderValues {
 public:
  [[nodiscard]] const std::string& operator[](Placeholder which) const { return at_[static_cast<size_t>(which)]; }
  std::string& operator[](Placeholder which) { return at_[static_cast<size_t>(which)]; }

 private:
  std::array<std::string, kPlaceholders.size()> at_;
};

// Some of the placeholders.
class PlaceholderSet {
 public:
  void add(Placeholder which) { bits_ |= bit(which); }
  void add(PlaceholderSet other) { bits_ |= other.bits_; }
  [[nodiscard]] bool has(Placeholder which) const { return (bits_ & bit(which)) != 0; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }

 private:
  static unsigned bit(Placeholder which) { return 1U << static_cast<size_t>(which); }
  unsigned bits_ = 0;
};

class TextTemplate {
 public:
  enum class Form { text, bytes };  // bytes: the text may also be 0x and hexadecimal digits

  TextTemplate() = default;
  TextTemplate(std::string_view text, Form form) {
    if (form == Form::bytes && text.size() >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
      read_bytes(text);
    else
      read_text(text);
  }

  // What is wrong with the text, with what is allowed; "" when nothing is. The wrong part stands for itself.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] PlaceholderSet uses() const { return uses_; }
  [[nodiscard]] bool constant() const { return uses_.empty(); }
  [[nodiscard]] bool empty() const { return pieces_.empty(); }

  [[nodiscard]] std::string fill(const PlaceholderValues& values) const {
    std::string out;
    for (const Piece& piece : pieces_) {
      out += piece.text;
      if (piece.which < kPlaceholders.size()) out += values[static_cast<Placeholder>(piece.which)];
    }
    return out;
  }

 private:
  struct Piece {
    std::string text;                     // and, after it,
    size_t which = kPlaceholders.size();  // this placeholder; kPlaceholders.size(): none
  };

  static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }
  static bool in_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

  void read_bytes(std::string_view text) {
    std::string bytes;
    bool good = text.size() > 2 && text.size() % 2 == 0;
    for (size_t i = 2; good && i < text.size(); i += 2) {
      const int high = digit(text[i]), low = digit(text[i + 1]);
      good = high >= 0 && low >= 0;
      bytes += static_cast<char>(high * 16 + low);
    }
    if (!good)
      problem_ =
          "begins with 0x and goes on with something else than an even number of hexadecimal digits: give bytes as "
          "\"0x55aa00ff\"";
    pieces_.push_back({good ? std::move(bytes) : std::string(text)});
  }

  static size_t find(std::string_view name) {
    size_t which = 0;
    while (which < kPlaceholders.size() && kPlaceholders[which] != name) ++which;
    return which;
  }

  // Of "{name" without its brace. One that is known was meant, unless it is a key: {id: 5}. Of another name that is
  // certain only where the text ends.
  static bool never_closed(std::string_view name, std::string_view rest) {
    const size_t next = rest.find_first_not_of(' ');
    if (next == std::string_view::npos) return true;
    return find(name) < kPlaceholders.size() && rest[next] != ':' && rest[next] != '=';
  }

  // A placeholder is a name of letters in braces; any other brace, as in JSON, is an ordinary character.
  void read_text(std::string_view text) {
    size_t literal = 0;
    for (size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
      size_t close = open + 1;
      while (close < text.size() && in_name(text[close])) ++close;
      if (close == open + 1) continue;
      const std::string_view name = text.substr(open + 1, close - open - 1);
      if (close == text.size() || text[close] != '}') {
        if (never_closed(name, text.substr(close))) unclosed(name);
        continue;
      }
      const size_t which = find(name);
      if (which == kPlaceholders.size()) {
        unknown(name);
        continue;
      }
      uses_.add(static_cast<Placeholder>(which));
      pieces_.push_back({std::string(text.substr(literal, open - literal)), which});
      literal = close + 1;
    }
    if (literal != text.size()) pieces_.push_back({std::string(text.substr(literal))});
  }

  void unclosed(std::string_view name) {
    const std::string shown(name.substr(0, 32));
    wrong("has the placeholder {" + shown + " without its closing brace: give {" + shown + "}; known are");
  }

  void unknown(std::string_view name) {
    wrong("has the unknown placeholder {" + std::string(name.substr(0, 32)) + "}: known are");
  }

  void wrong(std::string what) {
    if (!problem_.empty()) return;
    problem_ = std::move(what);
    const char* between = " {";
    for (const std::string_view known : kPlaceholders) {
      problem_ += between + std::string(known) + "}";
      between = ", {";
    }
  }

  std::vector<Piece> pieces_;
  PlaceholderSet uses_;
  std::string problem_;
};

}  // namespace dtu
