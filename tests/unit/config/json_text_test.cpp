// Every way a text fails to be JSON: what is said, and where.
#include "config/json_text.hpp"

#include <gmock/gmock.h>

#include "config/locate.hpp"
#include "config/syntax.hpp"
#include "fixture.hpp"

namespace dtud::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string said(const std::string& text) {
  Findings findings;
  const auto json = read_json(text, "f", findings);
  EXPECT_EQ(json.has_value(), findings.empty());
  return all(findings);
}

struct Case {
  const char* name;
  std::string text;
  std::string says;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Mistakes : public testing::TestWithParam<Case> {};

TEST_P(Mistakes, AreNamedWithTheirPlace) { EXPECT_EQ(said(GetParam().text), GetParam().says); }

INSTANTIATE_TEST_SUITE_P(
    Json, Mistakes,
    testing::Values(
        Case{"TrailingCommaObject", "{\"a\": 1,\n}", "f:1:8: error: a comma before }: remove it\n"},
        Case{"TrailingCommaList", "{\"a\": [1, 2, ]}", "f:1:12: error: /a: a comma before ]: remove it\n"},
        Case{"MissingComma", "{\"a\": 1\n \"b\": 2}", "f:1:8: error: a comma is missing after this value\n"},
        Case{"MissingCommaList", "{\"a\": [1 2]}", "f:1:9: error: /a: a comma is missing after this value\n"},
        Case{"TwoCommas", "{\"a\": 1,, \"b\": 2}", "f:1:9: error: two commas in a row: remove one\n"},
        Case{"LineComment", "{ // channels\n\"a\": 1}", "f:1:3: error: comments are not JSON: remove this one\n"},
        Case{"BlockComment", "{\"a\": /* x */ 1}", "f:1:7: error: /a: comments are not JSON: remove this one\n"},
        Case{"HashComment", "# x\n{}", "f:1:1: error: comments are not JSON: remove this one\n"},
        Case{"EndlessComment", "{} /* x", "f:1:4: error: comments are not JSON: remove this one\n"},
        Case{"UnterminatedText", "{\"a\": \"x\n}", "f:1:7: error: /a: this text has no closing quote on its line\n"},
        Case{"UnterminatedKey", "{\"a", "f:1:2: error: /: this text has no closing quote on its line\n"},
        Case{"ControlCharacter", "{\"a\": \"x\ty\"}",
             "f:1:9: error: /a: a control character (0x09) in a text: write \\t\n"},
        Case{"Escape", "{\"a\": \"C:\\dir\"}",
             "f:1:10: error: /a: a backslash that begins no escape: write \\\\ for a backslash\n"},
        Case{"ShortUnicode", "{\"a\": \"\\u12\"}", "f:1:8: error: /a: \\u needs four hexadecimal digits\n"},
        Case{"Nul", "{\"a\": \"\\u0000\"}", "f:1:8: error: /a: \\u0000 cannot stand in a text\n"},
        Case{"LoneHigh", "{\"a\": \"\\ud83d\"}",
             "f:1:8: error: /a: half of a surrogate pair: \\ud83d needs its \\udc00 to \\udfff, and the other way "
             "round\n"},
        Case{"LoneLow", "{\"a\": \"\\ude00x\"}",
             "f:1:8: error: /a: half of a surrogate pair: \\ud83d needs its \\udc00 to \\udfff, and the other way "
             "round\n"},
        Case{"NotUtf8", "{\"a\": \"\xC4\xE3\xBA\xC3\"}",
             "f:1:8: error: /a: this is not UTF-8: save the file as UTF-8\n"},
        Case{"OverlongUtf8", "{\"a\": \"\xC0\xAF\"}", "f:1:8: error: /a: this is not UTF-8: save the file as UTF-8\n"},
        Case{"SurrogateUtf8", "{\"a\": \"\xED\xA0\x80\"}",
             "f:1:8: error: /a: this is not UTF-8: save the file as UTF-8\n"},
        Case{"DuplicateKey", "{\"a\": 1,\n  \"b\": 2,\n  \"a\": 3}",
             "f:3:3: error: /a: the key \"a\" stands here a second time, first at line 1, column 2: remove one\n"},
        Case{"DuplicateByEscape", "{\"a\": 1, \"\\u0061\": 3}",
             "f:1:10: error: /a: the key \"a\" stands here a second time, first at line 1, column 2: remove one\n"},
        Case{
            "LeadingZero", "{\"a\": 010}",
            "f:1:7: error: /a: this is not a JSON number: leave out the leading zeros, or write it as a text in double "
            "quotes\n"},
        Case{"Plus", "{\"a\": +1}", "f:1:7: error: /a: this is not a JSON number: leave out the +\n"},
        Case{
            "Hex", "{\"a\": 0x1F}",
            "f:1:7: error: /a: this is not a JSON number: JSON knows no hexadecimal; write it in decimal, or as a text "
            "in double quotes\n"},
        Case{"Point", "{\"a\": 1.}",
             "f:1:7: error: /a: this is not a JSON number: write it as 12 or 1.5, or as a text in double quotes\n"},
        Case{"Address", "{\"a\": 192.0.2.1}",
             "f:1:7: error: /a: this is not a JSON number: write it as 12 or 1.5, or as a text in double quotes\n"},
        Case{"IntegerRange", "{\"a\": 9223372036854775808}", "f:1:7: error: /a: this number is out of range\n"},
        Case{"DoubleRange", "{\"a\": 1e999}", "f:1:7: error: /a: this number is out of range\n"},
        Case{"PythonTrue", "{\"a\": True}",
             "f:1:7: error: /a: this word is not JSON: write true, false, null, or a text in double quotes\n"},
        Case{"PythonNone", "{\"a\": None}",
             "f:1:7: error: /a: this word is not JSON: write true, false, null, or a text in double quotes\n"},
        Case{"BareWord", "{\"a\": tcp}",
             "f:1:7: error: /a: this word is not JSON: write true, false, null, or a text in double quotes\n"},
        Case{"SingleQuotes", "{\"a\": 'tcp'}",
             "f:1:7: error: /a: a text stands in double quotes, not in single ones\n"},
        Case{"SingleQuotedKey", "{'a': 1}", "f:1:2: error: a key stands in double quotes, not in single ones\n"},
        Case{"BareKey", "{a: 1}", "f:1:2: error: a key stands in double quotes: write \"a\"\n"},
        Case{"LeadingComma", "{,}", "f:1:2: error: a comma where a key is expected: remove it\n"},
        Case{"NoKey", "{1: 2}", "f:1:2: error: a key is expected here\n"},
        Case{"NoColon", "{\"a\" 1}", "f:1:6: error: a colon is expected here, after a key\n"},
        Case{"NoValue", "{\"a\": }", "f:1:7: error: /a: a value is expected here, not }\n"},
        Case{"EndsBeforeValue", "{\"a\":", "f:1:6: error: /a: the document ends where a value is expected\n"},
        Case{"Open", "{\"a\": [\n1", "f:1:7: error: /a: this [ is never closed\n"},
        Case{"OpenObject", "{\"a\": 1,", "f:1:1: error: this { is never closed\n"},
        Case{"WrongBracket", "{\"a\": [1}",
             "f:1:9: error: /a: a } closes the [ of line 1, column 7: a ] is expected\n"},
        Case{"Semicolon", "{\"a\": 1; \"b\": 2}", "f:1:8: error: a comma or } is expected here, not ;\n"},
        Case{"AfterEnd", "{} {}", "f:1:4: error: something stands after the end of the document: remove it\n"},
        Case{"Empty", " \n", "f:1:1: error: the document is empty: it must hold at least {}\n"},
        Case{"NotAnObject", " [1]", "f:1:2: error: the document must be one object: { ... }\n"},
        Case{"OnlyANumber", "5", "f:1:1: error: the document must be one object: { ... }\n"},
        Case{"Utf16", std::string("\xFF\xFE{\0}\0", 6),
             "f:1:1: error: the document is not UTF-8 (it looks like UTF-16): save it as UTF-8\n"},
        Case{"ColumnsAreCharacters", "{\"\xE6\xB8\xA9\xE5\xBA\xA6\": tcp}",
             "f:1:8: error: /\xE6\xB8\xA9\xE5\xBA\xA6: this word is not JSON: write true, false, null, or a text in "
             "double quotes\n"}),
    [](const auto& info) { return info.param.name; });

// What stands where a value is expected may be a secret, wrongly written.
TEST(JsonText, QuotesNoValue) {
  for (const char* text : {R"({"password": qzX})",
                           R"({"password": 0qzX})",
                           R"({"password": qzX-})",
                           R"({"apn": ["a", "b", qzX]})",
                           R"({"password": "a" qzX})",
                           R"({"password": "a""qzX"})",
                           R"({"password": "a" "qzX", "b": 1})",
                           R"({"password": 'a, qzX: 1'})",
                           R"({"password": 'a', qzX: 1})",
                           R"({"password": a, qzX: 1})",
                           R"({"password": a, qzX})",
                           R"({"password": "a", qzX"})",
                           R"({"password": "qzX})",
                           "{\"password\": \"qzX\xC4\"}",
                           R"({"password": qzX "a": 1})",
                           R"({"password": "\qzX"})",
                           R"({"password": "a\", qzX": "b"})",
                           R"(qzX)",
                           R"({} qzX)",
                           R"({"password" qzX})",
                           R"({"password" "qzX"})",
                           R"({"password": %qzX})",
                           R"({"password": "a"%qzX})"})
    EXPECT_THAT(said(text), testing::Not(HasSubstr("qzX"))) << text;
  for (const char* text : {"{\"password\": %}", "{\"password\": \"a\"%}", "{\"password\": \"a\", 7}"})
    EXPECT_THAT(said(text), testing::Not(testing::ContainsRegex("not [%7]"))) << text;
}

TEST(JsonText, NamesAllMistakesAtOnce) {
  EXPECT_EQ(said("{ // one\n \"a\": True,\n \"a\": 01,\n \"b\": \"\\q\",\n}"),
            "f:1:3: error: comments are not JSON: remove this one\n"
            "f:2:7: error: /a: this word is not JSON: write true, false, null, or a text in double quotes\n"
            "f:3:2: error: /a: the key \"a\" stands here a second time, first at line 2, column 2: remove one\n"
            "f:3:7: error: /a: this is not a JSON number: leave out the leading zeros, or write it as a text in double "
            "quotes\n"
            "f:4:8: error: /b: a backslash that begins no escape: write \\\\ for a backslash\n"
            "f:4:11: error: a comma before }: remove it\n");
}

TEST(JsonText, StopsNamingAfterSixtyFour) {
  std::string text = "{\"a\": [";
  for (int i = 0; i < 1000; ++i) text += "True,";
  Findings findings;
  EXPECT_FALSE(read_json(text + "1]}", "f", findings));
  EXPECT_EQ(findings.size(), kMaxMistakes);
}

TEST(JsonText, RefusesWhatIsTooDeepLongOrMany) {
  const std::string deep = "{\"a\":" + std::string(32, '[') + std::string(32, ']') + "}";
  EXPECT_THAT(said(deep), HasSubstr("f:1:37: error: /a/0/0"));
  EXPECT_THAT(said(deep), HasSubstr("more than 32 levels"));
  EXPECT_EQ(said("{\"a\":" + std::string(31, '[') + std::string(31, ']') + "}"), "");
  EXPECT_EQ(said(std::string((1U << 20U) + 1, ' ')),
            "f:1:1: error: the document has 1048577 bytes: at most 1 MiB (1048576) is read\n");
  std::string many = "{\"a\": [0";
  for (size_t i = 0; i < kMaxValues; ++i) many += ",0";
  EXPECT_THAT(said(many + "]}"), HasSubstr("more than 20000 values"));
  std::string keys = "{\"a\": 0";
  for (size_t i = 1; i < kMaxMembers; ++i) keys += ", \"k" + std::to_string(i) + "\": 0";
  EXPECT_EQ(said(keys + "}"), "");
  EXPECT_THAT(said(keys + ", \"one more\": 0}"), HasSubstr("more than 1000 keys in one object"));
  EXPECT_THAT(said("{\"" + std::string(257, 'k') + "\": 1}"), HasSubstr("a key longer than 256 bytes"));
  EXPECT_EQ(said("{\"" + std::string(256, 'k') + "\": 1}"), "");
}

TEST(JsonText, ReadsEverythingJsonHas) {
  Findings findings;
  const auto json = read_json(
      "\xEF\xBB\xBF \r\n{\"t\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\", \"n\": [-0, 1.5E+3, -2e-2, "
      "9223372036854775807, -9223372036854775808], \"w\": [true, false, null], \"o\": {}, \"\": 1}",
      "f", findings);
  ASSERT_TRUE(json) << all(findings);
  EXPECT_EQ(as_text(as_object(*json)->get("t")), "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(to_json(as_object(*json)->get("n")), "[0,1500,-0.02,9223372036854775807,-9223372036854775808]");
  EXPECT_EQ(to_json(as_object(*json)->get("w")), "[true,false,null]");
}

TEST(JsonText, UnescapesAsPocoDoes) {
  EXPECT_EQ(unescape(R"(\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00)"),
            "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

TEST(Locate, FindsKeysAndValues) {
  const std::string text = "{\n \"a/b\": {\"x~\": [10, {\"y\": \"}\"}]},\n \"\\u0063\": 3}";
  const auto at = [&](const char* pointer) {
    const auto found = locate(text, pointer);
    return found.exact ? text.substr(found.value, 3) : "nearest " + text.substr(found.value, 1);
  };
  EXPECT_EQ(at("/a~1b/x~0/0"), "10,");
  EXPECT_EQ(at("/a~1b/x~0/1/y"), "\"}\"");
  EXPECT_EQ(at("/c"), "3}");
  EXPECT_EQ(at("/a~1b/x~0/2"), "nearest [");
  EXPECT_EQ(at("/none/of/this"), "nearest {");
  EXPECT_EQ(place_of(text, locate(text, "/c").key).line, 3);
}

}  // namespace
}  // namespace dtud::config
