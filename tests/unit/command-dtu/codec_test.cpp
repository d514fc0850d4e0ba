#include <gmock/gmock.h>

#include <random>

#include "crc32.hpp"
#include "envelope.hpp"
#include "json_view.hpp"
#include "running_crc.hpp"
#include "text_codec.hpp"

namespace command_dtu::test {
namespace {

std::string json_string(std::string_view bytes) {
  std::string out;
  return append_json_string(out, bytes) ? out : "refused";
}

TEST(Crc, PublishedVectors) {
  EXPECT_EQ(crc32(CrcKind::zlib, "123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32(CrcKind::mpeg2, "123456789"), 0x0376E6E7U);
  EXPECT_EQ(crc32(CrcKind::zlib, "abcedf"), 1398235801U);
  EXPECT_EQ(crc32(CrcKind::zlib, "ijklmn"), 2584251182U);
  EXPECT_EQ(crc32(CrcKind::zlib, "hello"), 907060870U);
  EXPECT_EQ(crc32(CrcKind::zlib, "\xe6\xb8\xa9\xe5\xba\xa6"), 4022148802U);  // D4: over bytes
  EXPECT_EQ(crc32(CrcKind::zlib, R"({"cmd_code": 0, "data": {}})"), 1468383890U);
  EXPECT_EQ(crc32(CrcKind::mpeg2, "test"), 0xcc743053U);
  EXPECT_EQ(crc32(CrcKind::mpeg2, "1234"), 0xa695c4aaU);
  EXPECT_EQ(crc32(CrcKind::zlib, ""), 0U);
}

TEST(Crc, OfAPieceWithoutGoingOverIt) {
  std::mt19937 random(3);
  std::string text(70000, '\0');
  for (char& c : text) c = static_cast<char>(random());
  for (const CrcKind kind : {CrcKind::zlib, CrcKind::mpeg2}) {
    RunningCrc running(kind);
    for (const size_t length : {0U, 1U, 255U, 256U, 257U, 511U, 4096U, 65535U, 65536U}) {
      const size_t from = random() % (text.size() - length + 1);
      EXPECT_EQ(running.of(text, from, length), crc32(kind, std::string_view(text).substr(from, length))) << length;
    }
    running.drop_front(3);
    const std::string_view rest = std::string_view(text).substr(3 * RunningCrc::block);
    EXPECT_EQ(running.of(rest, 11, 60000), crc32(kind, rest.substr(11, 60000)));
    running.drop_front(100000);
    EXPECT_EQ(running.of(rest, 11, 60000), crc32(kind, rest.substr(11, 60000)));
  }
}

TEST(Codec, JsonStrings) {
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\x01\x1f/"), R"("a\"b\\c\n\r\t\u0001\u001F/")");
  EXPECT_EQ(json_string("温度 \xF0\x9F\x98\x80"), "\"温度 \xF0\x9F\x98\x80\"");
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE6\xB8", "ok\xFF"})
    EXPECT_EQ(json_string(bad), "refused");
  std::string text;
  append_json_text(text, "a\xFFz");
  EXPECT_EQ(text, "\"a\xEF\xBF\xBDz\"");
}

TEST(Codec, StringsComeBack) {
  std::mt19937 random(11);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (uint32_t n = random() % 40; n > 0; --n) append_utf8(bytes, random() % 0xD800);
    const std::string quoted = json_string(bytes);
    ASSERT_TRUE(parse_json(quoted));
    ASSERT_EQ(unquote(quoted), bytes);
  }
}

TEST(Codec, Base64AndHex) {
  const std::pair<const char*, const char*> pairs[] = {{"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
                                                       {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe", "//4="}};
  for (const auto& [bytes, text] : pairs) {
    std::string out;
    append_base64(out, bytes);
    EXPECT_EQ(out, text);
    EXPECT_EQ(from_base64(text), std::string(bytes));
  }
  for (const char* bad : {"Zg=", "Zg", "Z===", "====", "Zg==Zg==", "Zm9*", "Zg=A"})
    EXPECT_EQ(from_base64(bad), std::nullopt);
  std::string hex;
  append_hex(hex, "\x01\xABz");
  EXPECT_EQ(hex, "01AB7A");
  EXPECT_EQ(from_hex("01ab7A"), "\x01\xABz");
  EXPECT_EQ(from_hex("01a"), std::nullopt);
  EXPECT_EQ(from_hex("0g"), std::nullopt);
}

TEST(Json, AcceptsTheGrammarOnly) {
  for (const char* good :
       {"0", "-1.5e+3", "\"\\u0041\\n\"", "[]", "[1,[2,{}]]", " { \"a\" : null , \"b\":true} ", "1E9"})
    EXPECT_TRUE(parse_json(good)) << good;
  for (const char* bad :
       {"",    "01",     "-",    "1.",   ".5",      "1e",    "+1",         "\"\\x\"",          "\"\\u12g4\"",
        "\"a", "\"\n\"", "[1,]", "[,1]", "{\"a\"}", "{a:1}", "{\"a\":1,}", "{\"a\" 1}",        "tru",
        "nul", "1 2",    "{}x",  "'a'",  "NaN",     "\"\\",  "\"\\u12",    "{\"a\":\"\xff\"}", "[",
        "{",   "{\"a\":"}) {
    JsonProblem problem;
    EXPECT_FALSE(parse_json(bad, &problem)) << bad;
    EXPECT_STRNE(problem.what, "") << bad;
  }
}

TEST(Json, BombsAreRefused) {
  EXPECT_TRUE(parse_json(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(parse_json(std::string(33, '[') + std::string(33, ']')));
  EXPECT_FALSE(parse_json(std::string(1000000, '[')));
  EXPECT_FALSE(parse_json(std::string(500000, '{')));
}

TEST(Json, Members) {
  const std::string object = R"({"a":1,"b\u0063":"x","d":{"a":2},"a":3})";
  EXPECT_EQ(member(object, "a")->text, "1");
  EXPECT_EQ(member(object, "bc")->text, "\"x\"");
  EXPECT_EQ(member(object, "d")->text, R"({"a":2})");
  EXPECT_FALSE(member(object, "e"));
  EXPECT_FALSE(member("[1]", "a"));
  EXPECT_FALSE(member("", "a"));
  EXPECT_FALSE(member("{", "a"));
  EXPECT_FALSE(member(R"({"a")", "a"));
}

TEST(Json, Surrogates) {
  EXPECT_EQ(unquote(R"("\ud83d\ude00")"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(unquote(R"("\ud83d")"), "\xEF\xBF\xBD");
  EXPECT_EQ(unquote(R"("\ude00\ud83dx")"), "\xEF\xBF\xBD\xEF\xBF\xBDx");
  EXPECT_EQ(unquote(R"("\ud83d\u0041")"),
            "\xEF\xBF\xBD"
            "A");
}

std::string envelope(std::string_view payload, bool convert) {
  std::string out;
  append_envelope(out, 1763636249000123, payload, convert);
  EXPECT_TRUE(parse_json(out)) << out;
  return out;
}

TEST(Envelope, Uplink) {
  EXPECT_EQ(envelope("1234", false), R"({"msg_id":1763636249000123,"data":"1234"})");
  EXPECT_EQ(envelope("", false), R"({"msg_id":1763636249000123,"data":""})");
  EXPECT_EQ(envelope("\x01\xff", false), R"({"msg_id":1763636249000123,"data":null,"data_b64":"Af8="})");
  EXPECT_EQ(envelope("\x01\xff", true), R"({"msg_id":1763636249000123,"data":"01FF"})");
  EXPECT_EQ(envelope("1234", true), R"({"msg_id":1763636249000123,"data":"31323334"})") << "or nobody could tell";
}

std::string down(std::string_view message, bool convert = false) {
  std::string scratch;
  const auto json = parse_json(message);
  const bool object = json && json->type == JsonType::object;
  return std::string(downlink_payload(message, object ? json->text : std::string_view(), convert, scratch));
}

TEST(Envelope, Downlink) {
  EXPECT_EQ(down(R"({"msg_id":1,"data":"1234"})"), "1234");
  EXPECT_EQ(down(R"({"data":"a\u0000\"b"})"), std::string("a\0\"b", 4));
  EXPECT_EQ(down(R"({"data":{"z":1, "a":1.50}})"), R"({"z":1, "a":1.50})") << "as written";
  EXPECT_EQ(down(R"({"data":null,"data_b64":"Af8="})"), "\x01\xff");
  EXPECT_EQ(down(R"({"data_b64":"Af8="})"), "\x01\xff");
  EXPECT_EQ(down(R"({"data_b64":"Af8"})"), R"({"data_b64":"Af8"})");
  EXPECT_EQ(down(R"({"data":null})"), "");
  EXPECT_EQ(down(R"({"other":1})"), R"({"other":1})");
  EXPECT_EQ(down("plain"), "plain");
  EXPECT_EQ(down("[1]"), "[1]");
  EXPECT_EQ(down(R"({"data":"01fF"})", true), "\x01\xff");
  EXPECT_EQ(down("01fF", true), "\x01\xff");
  EXPECT_EQ(down(R"({"data":"hello"})", true), "hello");
}

TEST(Envelope, EveryPayloadComesBack) {
  std::mt19937 random(5);
  for (int i = 0; i < 3000; ++i) {
    std::string payload;
    for (uint32_t n = random() % 30; n > 0; --n) payload += static_cast<char>(random() % (i % 2 == 0 ? 256 : 128));
    ASSERT_EQ(down(envelope(payload, false)), payload);
    ASSERT_EQ(down(envelope(payload, true), true), payload);
  }
}

}  // namespace
}  // namespace command_dtu::test
