// PDUs: known ones, all alphabets, long texts, and everything that is broken.
#include "sms/pdu.hpp"

#include <gmock/gmock.h>
#include <dtu/sdk/host.hpp>

#include "sms/alphabet.hpp"

namespace {

using namespace hal_ec600::sms;
using namespace std::string_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string text_of(const Pdu& pdu) { return hal_ec600::sms::text_of(pdu.coding, pdu.body); }

// What arrives of a part that was sent: the same user data, from the number it went to.
std::string arrived(const Submit& submit) {
  const std::string pdu = submit.hex.substr(2);  // without the service centre
  const size_t digits = std::stoul(pdu.substr(4, 2), nullptr, 16);
  const std::string address = pdu.substr(4, 4 + (digits + 1) / 2 * 2);
  const std::string after = pdu.substr(4 + address.size());
  const std::string first = (std::stoul(pdu.substr(0, 2), nullptr, 16) & 0x40U) != 0 ? "44" : "04";
  return "07911326040000F0" + first + address + after.substr(0, 4) + "62110381500023" + after.substr(4);
}

std::string joined(const std::string& text, const std::string& number = "+8613800138000") {
  std::string out;
  for (const Submit& part : encode(number, text, 7)) out += decode(arrived(part)).body;
  return out;
}

TEST(SmsPdu, ReadsAKnownMessage) {
  const Pdu pdu = decode("07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07");
  EXPECT_EQ(pdu.kind, Pdu::Kind::received);
  EXPECT_EQ(pdu.peer.text, "+31641600986");
  EXPECT_FALSE(pdu.peer.alphanumeric);
  EXPECT_EQ(pdu.time, "2002-08-26T19:37:41+00:00");
  EXPECT_EQ(text_of(pdu), "How are you?");
  EXPECT_FALSE(pdu.part);
}

TEST(SmsPdu, WritesAKnownMessage) {
  const auto parts = encode("+85291234567", "It is easy to send text messages.", 0);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].hex, "0001000B915892214365F7000021493A283D0795C3F33C88FE06CDCB6E32885EC6D341EDF27C1E3E97E72E");
  EXPECT_EQ(parts[0].length, 42U);
}

TEST(SmsPdu, TimesWithQuarterHourZones) {
  const auto time = [](const std::string& octets) {
    return decode(
               "00040281"
               "21"
               "0000" +
               octets + "00")
        .time;
  };
  EXPECT_EQ(time("62110381500023"), "2026-11-30T18:05:00+08:00");
  EXPECT_EQ(time("6211038150002A"), "2026-11-30T18:05:00-05:30") << "22 quarters west";
  EXPECT_EQ(time("62110381500000"), "2026-11-30T18:05:00+00:00");
  EXPECT_EQ(time("62110381500032"), "2026-11-30T18:05:00+05:45");
  for (const char* broken : {"62310381500023", "62112381500023", "62110342500023", "62110381060023", "62110381500006",
                             "621103815000F3", "62000381500023", "62A10381500023", "62209281500023", "62110381500075"})
    EXPECT_EQ(time(broken), "") << broken;
}

TEST(SmsPdu, Addresses) {
  const auto from = [](const std::string& address) {
    return decode("0004" + address +
                  "0000"
                  "62110381500023"
                  "00")
        .peer;
  };
  EXPECT_EQ(from("05811000F6").text, "01006") << "national";
  EXPECT_EQ(from("0D91683108108300F0").text, "+8613800138000");
  EXPECT_EQ(from("04A12143").text, "1234") << "an odd type is digits";
  EXPECT_EQ(from("0381ABFC").text, "#*a") << "* # and letters";
  EXPECT_EQ(from("0081").text, "");
  const Address name = from("0AD0" + hex_of(packed("Bank1")));
  EXPECT_EQ(name.text, "Bank1");
  EXPECT_TRUE(name.alphanumeric);
  const Address lying = from("0AD0" + hex_of(packed("+8613")));
  EXPECT_TRUE(lying.alphanumeric) << "a name that looks like a number is no number";
}

TEST(SmsPdu, EmptyTextsAndShortOnes) {
  for (const char* text : {"", "@", "a", "€", "中", "😀", "0123456", "01234567"}) {
    const auto parts = encode("10086", text, 1);
    ASSERT_EQ(parts.size(), 1U) << text;
    EXPECT_EQ(text_of(decode(arrived(parts[0]))), text);
    EXPECT_EQ(text_of(decode(parts[0].hex)), text) << "as a stored message that was sent";
    EXPECT_EQ(decode(parts[0].hex).kind, Pdu::Kind::sent);
    EXPECT_EQ(parts[0].hex.size() / 2, parts[0].length + 1);
  }
}

TEST(SmsPdu, TheLimitsOfOnePart) {
  const auto parts = [](const std::string& text) { return encode("1", text, 1).size(); };
  EXPECT_EQ(parts(std::string(160, 'a')), 1U);
  EXPECT_EQ(parts(std::string(161, 'a')), 2U);
  EXPECT_EQ(parts(std::string(306, 'a')), 2U);
  EXPECT_EQ(parts(std::string(307, 'a')), 3U);
  EXPECT_EQ(parts(std::string(159, 'a') + "["), 2U) << "an escape is two septets";
  std::string chinese;
  for (int i = 0; i < 70; ++i) chinese += "中";
  EXPECT_EQ(parts(chinese), 1U);
  EXPECT_EQ(parts(chinese + "中"), 2U);
  EXPECT_EQ(parts(std::string(69, 'a') + "😀"), 2U) << "a pair is two units";
}

TEST(SmsPdu, LongTextsAreNeverSplitWithinACharacter) {
  for (const std::string unit : {"a", "[", "a[", "中", "😀", "a😀", "中€"}) {
    std::string text;
    for (size_t i = 0; i < kMostCharacters / from_utf8(unit).size(); ++i) text += unit;
    const auto parts = encode("+8613800138000", text, 9);
    std::string seen;
    unsigned number = 0;
    for (const Submit& part : parts) {
      const Pdu pdu = decode(arrived(part));
      ASSERT_TRUE(pdu.part);
      EXPECT_EQ(pdu.part->reference, 9);
      EXPECT_EQ(pdu.part->total, parts.size());
      EXPECT_EQ(pdu.part->number, ++number);
      EXPECT_LE(part.length, 164U);
      seen += text_of(pdu);  // each part by itself: nothing is split
    }
    EXPECT_EQ(seen, text) << unit;
  }
}

TEST(SmsPdu, RefusesWhatCannotBeSent) {
  const auto sends = [](const std::string& number, const std::string& text) {
    return [=] { (void)encode(number, text, 0); };
  };
  EXPECT_THAT(sends("1", std::string(1601, 'a')), ThrowsMessage<dtu::Failure>(HasSubstr("/text is too long")));
  EXPECT_THAT(sends("1", std::string(1'000'000, 'a')), ThrowsMessage<dtu::Failure>(HasSubstr("/text is too long")));
  for (const char* number : {"", "+", "12a", "1+2", "++1", " 1", "1\n"})
    EXPECT_THAT(sends(number, ""), ThrowsMessage<dtu::Failure>(HasSubstr("/number"))) << number;
  EXPECT_THAT(sends(std::string(21, '1'), ""), ThrowsMessage<dtu::Failure>(HasSubstr("21 digits")));
  EXPECT_NO_THROW(sends("+" + std::string(20, '1'), "")());
  EXPECT_NO_THROW(sends("*#06#", "")());
}

TEST(SmsPdu, EveryTruncationSaysWhatIsMissing) {
  const std::string text = "Straße [7] 中";
  for (const std::string& body : {"plain"s, text, std::string(300, 'x')})
    for (const Submit& part : encode("+8613800138000", body, 3))
      for (const std::string& hex : {arrived(part), part.hex})
        for (size_t length = 0; length < hex.size(); ++length)
          EXPECT_THROW((void)decode(hex.substr(0, length)), dtu::Failure) << hex << " cut at " << length;
}

TEST(SmsPdu, LengthsThatLie) {
  const auto refused = [](const std::string& hex, const char* why) {
    EXPECT_THAT([&] { (void)decode(hex); }, ThrowsMessage<dtu::Failure>(HasSubstr(why))) << hex;
  };
  refused("", "ends within the service centre");
  refused("0", "odd number");
  refused("0G", "not hexadecimal");
  refused(std::string(402, '0'), "at most 400");
  refused("FF00", "the service centre");
  refused("0003", "reserved");
  refused("0004FF91", "255 digits");
  EXPECT_NO_THROW(
      (void)decode("00040281"
                   "21"
                   "0000"
                   "62110381500023"
                   "00"));
  refused(
      "00040281"
      "21"
      "0000"
      "62110381500023"
      "A1" +
          std::string(300, '0'),
      "at most 140 are allowed");
  refused(
      "00040281"
      "21"
      "0004"
      "62110381500023"
      "8D" +
          std::string(290, '0'),
      "at most 140 are allowed");
  refused(
      "00440281"
      "21"
      "0004"
      "62110381500023"
      "03"
      "FF0001",
      "its header");
  refused(
      "00440281"
      "21"
      "0004"
      "62110381500023"
      "03"
      "020005",
      "its header");
  refused(
      "00440281"
      "21"
      "0000"
      "62110381500023"
      "02"
      "0200",
      "its header");
  refused(
      "00440281"
      "21"
      "0000"
      "62110381500023"
      "00",
      "its header");
}

TEST(SmsPdu, HeadersOfParts) {
  const auto part = [](const std::string& header) {
    const std::string length = hex_of(std::string(1, static_cast<char>(header.size() / 2)));
    const std::string octets = hex_of(std::string(1, static_cast<char>(header.size() / 2 + 1)));
    return decode(
               "00440281"
               "21"
               "0004"
               "62110381500023" +
               octets + length + header)
        .part;
  };
  EXPECT_EQ(part("0003070201")->reference, 7);
  EXPECT_EQ(part("080412340201")->reference, 0x1234);
  EXPECT_TRUE(part("080412340201")->wide);
  EXPECT_EQ(part("70020102"
                 "0003070203"
                 "0003070202")
                ->number,
            2)
      << "one that is impossible is left out";
  for (const char* none :
       {"0003070001", "0003070200", "0003070203", "0003070101", "00020702", "0803123402", "7000", ""})
    EXPECT_FALSE(part(none)) << none;
}

TEST(SmsPdu, PortsAndBinaryData) {
  const Pdu push = decode(
      "00440281"
      "21"
      "0004"
      "62110381500023"
      "0A"
      "0605040B8423F0"
      "DEAD01");
  EXPECT_EQ(push.port, 0x0B84);
  EXPECT_EQ(text_of(push), "DEAD01");
  EXPECT_EQ(push.coding, Coding::octets);
}

TEST(SmsPdu, CodingSchemes) {
  const auto coding = [](const char* scheme) {
    return decode(
               "00040281"
               "21"
               "00" +
               std::string(scheme) +
               "62110381500023"
               "00")
        .coding;
  };
  for (const char* gsm : {"00", "01", "10", "11", "40", "C0", "D0", "F0", "0C", "80", "B4"})
    EXPECT_EQ(coding(gsm), Coding::gsm7) << gsm;
  for (const char* octets : {"04", "14", "F4", "F5", "20", "28"}) EXPECT_EQ(coding(octets), Coding::octets) << octets;
  for (const char* ucs2 : {"08", "18", "48", "E0"}) EXPECT_EQ(coding(ucs2), Coding::ucs2) << ucs2;
}

TEST(SmsPdu, StatusReports) {
  const Pdu report = decode(
      "0006"
      "2A"
      "05811000F6"
      "62110381500023"
      "62110381510023"
      "00");
  EXPECT_EQ(report.kind, Pdu::Kind::report);
  EXPECT_EQ(report.peer.text, "01006");
  EXPECT_EQ(report.time, "2026-11-30T18:15:00+08:00");
  EXPECT_EQ(report.status, 0);
}

TEST(SmsPdu, AllOneOctetChangesAreReadOrRefused) {
  const std::string hex = arrived(encode("+8613800138000", std::string(200, '['), 3)[0]);
  for (size_t at = 0; at + 1 < hex.size(); at += 2)
    for (int value = 0; value < 256; value += 5) {
      std::string changed = hex;
      changed.replace(at, 2, hex_of(std::string(1, static_cast<char>(value))));
      try {
        EXPECT_LE(text_of(decode(changed)).size(), 640U);
      } catch (const dtu::Failure&) {  // and nothing else
      }
    }
}

TEST(SmsPdu, JoinedBodiesAreTheText) {
  EXPECT_EQ(hal_ec600::sms::text_of(Coding::gsm7, joined(std::string(1000, '~'))), std::string(1000, '~'));
}

}  // namespace
