#include "link_settings.hpp"

#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <charconv>

#include "json_view.hpp"

namespace command_dtu {
namespace {

constexpr uint32_t idle_ms_min = 20;  // D5: the default, unless 20 characters take longer
constexpr uint32_t idle_ms_max = 60000;
constexpr uint64_t idle_characters = 20;
constexpr uint64_t in_messages = DTU_CAP_TOPICS | DTU_CAP_REQUESTS | DTU_CAP_CONNECTIONLESS;  // not a stream of bytes

std::string text_at(std::string_view object, std::string_view name) {
  const auto value = member(object, name);
  return value ? plain_text(*value) : "";
}

// Flags come as 1, "1" or true.
bool flag_at(std::string_view object, std::string_view name) {
  const std::string text = text_at(object, name);
  return text == "1" || text == "true";
}

std::vector<std::string> keys_at(std::string_view object, std::string_view name) {
  std::vector<std::string> keys;
  const auto value = member(object, name);
  if (value && value->type == JsonType::object)
    each_member(value->text, [&](std::string_view key, const JsonValue&) {
      keys.emplace_back(key);
      return true;
    });
  return keys;
}

std::vector<std::string> texts_at(std::string_view object, std::string_view name) {
  std::vector<std::string> texts;
  const auto value = member(object, name);
  if (!value || value->type != JsonType::array) return texts;
  size_t at = 1;
  for (skip_white_space(value->text, at); at < value->text.size() && value->text[at] != ']'; ++at) {
    const auto entry = read_json(value->text, at);
    if (!entry) break;
    texts.push_back(plain_text(*entry));
    skip_white_space(value->text, at);
    if (value->text[at] != ',') break;
  }
  return texts;
}

// 0, the default of each, when it is not there.
uint32_t number_at(std::string_view object, std::string_view name) {
  const std::string set = text_at(object, name);
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(set.data(), set.data() + set.size(), number);
  return error == std::errc{} && end == set.data() + set.size() ? number : 0;
}

uint32_t idle_ms(const dtu_link_info& link, std::string_view port_config) {
  if (const uint32_t ms = number_at(port_config, "frame_idle_ms"); ms != 0) return std::min(ms, idle_ms_max);
  if (link.baud == 0) return idle_ms_min;
  const uint64_t bits = idle_characters * std::max(link.bits_per_char, 10U);
  const uint64_t of_characters = (bits * 1000 + link.baud - 1) / link.baud;
  return static_cast<uint32_t>(std::clamp<uint64_t>(of_characters, idle_ms_min, idle_ms_max));
}

}  // namespace

LinkSettings read_link(const dtu_link_info& link) {
  LinkSettings s;
  const std::string_view port_config = dtu::view(link.port_config);
  const std::string_view device = dtu::view(link.device_config);
  s.link = link.link;
  s.through = dtu::view(link.dialect) == "through";
  s.port = dtu::view(link.port);
  s.source = "port " + s.port;
  s.crc = text_at(port_config, "crc") == "mpeg2" ? CrcKind::mpeg2 : CrcKind::zlib;
  s.convert = flag_at(device, "convert");
  s.style.compact = text_at(device, "reply") == "compact";
  s.style.plate = flag_at(device, "plate");
  s.idle_ms = idle_ms(link, port_config);
  s.max_age_ns = int64_t{number_at(port_config, "downlink_max_age_s")} * 1'000'000'000;
  s.events = texts_at(device, "events");
  s.rules.through = s.through;
  s.rules.crc = s.crc;
  for (uint64_t i = 0; i < link.channel_count; ++i) {
    const dtu_bound_channel& bound = *link.channels[i];
    const std::string_view config = dtu::view(bound.config);
    LinkChannel channel;
    channel.id = bound.id;
    channel.type = dtu::view(bound.type);
    channel.source = "channel " + std::to_string(bound.id);
    // Of a channel whose messages are requests (HTTP), the ids are those of `request`, both ways; without it, none.
    const bool requests = (bound.caps & DTU_CAP_REQUESTS) != 0;
    std::vector<std::string> up = keys_at(config, requests ? "request" : "publish");
    channel.topics = (bound.caps & DTU_CAP_TOPICS) != 0 && !(requests && up.empty());
    channel.stream = (bound.caps & in_messages) == 0;
    channel.raw = text_at(config, "uplink") == "raw";
    const std::vector<std::string> down = requests ? up : keys_at(config, "subscribe");
    channel.first_down = down.empty() ? "0" : down.front();
    s.rules.channels.push_back({channel.id, channel.topics, std::move(up)});
    s.channels.push_back(std::move(channel));
  }
  const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
  std::sort(s.channels.begin(), s.channels.end(), by_id);
  std::sort(s.rules.channels.begin(), s.rules.channels.end(), by_id);
  if (s.through && s.rules.channels.size() > 1) s.rules.channels.resize(1);
  return s;
}

}  // namespace command_dtu
