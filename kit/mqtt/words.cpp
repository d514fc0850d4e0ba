#include <array>
#include <cstdio>
#include <mqtt/words.hpp>

namespace mqtt {
namespace {

struct Words {
  int code;
  const char* text;
};

constexpr std::array<Words, 5> kConnack{{
    {1, "does not speak this version of MQTT: try another \"version\""},
    {2, "refused the client id: it is in use, too long or not allowed"},
    {3, "is not available at the moment"},
    {4, "refused the user name or password"},
    {5, "does not authorise this client: check user name, password and client id"},
}};

constexpr std::array<Words, 38> kReasons{{
    {0x80, "unspecified error"},
    {0x81, "malformed packet"},
    {0x82, "protocol error"},
    {0x83, "implementation specific error"},
    {0x84, "this version of MQTT is not supported"},
    {0x85, "the client id is not valid"},
    {0x86, "bad user name or password"},
    {0x87, "not authorised"},
    {0x88, "the server is unavailable"},
    {0x89, "the server is busy"},
    {0x8A, "banned"},
    {0x8B, "the server is shutting down"},
    {0x8C, "bad authentication method"},
    {0x8D, "keep alive timeout"},
    {0x8E, "another client took over the client id"},
    {0x8F, "the topic filter is not valid"},
    {0x90, "the topic name is not valid"},
    {0x91, "the packet identifier is in use"},
    {0x92, "the packet identifier was not found"},
    {0x93, "receive maximum exceeded"},
    {0x94, "the topic alias is not valid"},
    {0x95, "the packet is too large"},
    {0x96, "the message rate is too high"},
    {0x97, "quota exceeded"},
    {0x98, "administrative action"},
    {0x99, "the payload format is not valid"},
    {0x9A, "retained messages are not supported"},
    {0x9B, "this QoS is not supported"},
    {0x9C, "use another server"},
    {0x9D, "the server moved"},
    {0x9E, "shared subscriptions are not supported"},
    {0x9F, "connection rate exceeded"},
    {0xA0, "maximum connect time"},
    {0xA1, "subscription identifiers are not supported"},
    {0xA2, "wildcard subscriptions are not supported"},
    {0x00, "no reason given"},
    {0x04, "disconnected with the will"},
    {0x18, "continue authentication"},
}};

}  // namespace

std::string connack_words(int code) {
  for (const Words& known : kConnack)
    if (known.code == code) return known.text;
  return "refused the connection with the unknown code " + std::to_string(code);
}

std::string reason_words(int code) {
  std::array<char, 8> hex{};
  std::snprintf(hex.data(), hex.size(), "0x%02X", static_cast<unsigned>(code) & 0xFFU);
  for (const Words& known : kReasons)
    if (known.code == code) return std::string(known.text) + " (" + hex.data() + ")";
  return std::string("reason ") + hex.data();
}

}  // namespace mqtt
