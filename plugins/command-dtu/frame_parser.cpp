#include "frame_parser.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace command_dtu {
namespace {

constexpr size_t piece = 16384;       // bytes looked at before the buffer is trimmed again
constexpr size_t trim_after = 65536;  // used bytes at the front of the buffer worth moving the rest for
constexpr size_t keep_capacity = 32768;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_topic(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
}

// A field and the comma behind it. The field is a view; it is cut off at `longest`.
struct Field {
  enum class State : uint8_t { bad, more, ready };
  State state = State::bad;
  std::string_view text;
  size_t next = 0;
};

template <typename Allowed>
Field read_field(std::string_view text, size_t at, size_t longest, Allowed allowed) {
  size_t end = at;
  while (end < text.size() && end - at < longest && allowed(text[end])) ++end;
  Field field;
  field.text = text.substr(at, end - at);
  field.next = end + 1;
  if (end == text.size())
    field.state = Field::State::more;
  else if (end > at && text[end] == ',')
    field.state = Field::State::ready;
  return field;
}

template <typename Number>
bool to_number(std::string_view digits, Number& value, int base = 10) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  return error == std::errc{} && end == digits.data() + digits.size();
}

// Decimal, or hexadecimal behind 0x.
Field read_crc(std::string_view text, size_t at, uint32_t& value) {
  const bool maybe_hex = at < text.size() && text[at] == '0' && (at + 1 == text.size() || (text[at + 1] | 0x20) == 'x');
  if (maybe_hex && at + 2 >= text.size()) return {Field::State::more, {}, 0};
  Field field = maybe_hex ? read_field(text, at + 2, 8, is_hex) : read_field(text, at, 10, is_digit);
  if (field.state == Field::State::ready && !to_number(field.text, value, maybe_hex ? 16 : 10))
    field.state = Field::State::bad;
  return field;
}

}  // namespace

FrameParser::FrameParser(FrameRules rules, FrameSink& sink)
    : rules_(std::move(rules)), sink_(sink), running_(rules_.crc) {}

void FrameParser::feed(std::string_view bytes) {
  if (head_ == buffer_.size()) {  // the usual case: whole frames, straight from the reader's buffer
    running_.clear();
    buffer_.clear();
    head_ = 0;
    const size_t used = scan(bytes, 0, false);
    running_.clear();
    buffer_.assign(bytes.substr(used));
  } else {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      buffer_.append(bytes.substr(0, piece));
      head_ = scan(buffer_, head_, false);
      compact();
    }
  }
  report_drops();
}

void FrameParser::line_idle() {
  head_ = scan(buffer_, head_, true);
  compact();
  in_step_ = true;
  after_empty_ = false;
  report_drops();
}

void FrameParser::compact() {
  if (head_ == buffer_.size()) {
    running_.clear();
    head_ = 0;
    buffer_.clear();
    if (buffer_.capacity() > keep_capacity) buffer_.shrink_to_fit();
  } else if (head_ >= trim_after) {
    const size_t blocks = head_ / RunningCrc::block;
    running_.drop_front(blocks);
    buffer_.erase(0, blocks * RunningCrc::block);
    head_ -= blocks * RunningCrc::block;
  }
}

void FrameParser::report_drops() {
  for (size_t i = 0; i < dropped_.size(); ++i)
    if (const uint64_t bytes = std::exchange(dropped_[i], 0); bytes != 0) sink_.on_drop(static_cast<Drop>(i), bytes);
}

// Takes every frame it can and answers where it stopped. final: nothing more will come for what is there.
size_t FrameParser::scan(std::string_view text, size_t at, bool final) {
  while (at < text.size()) {
    ++looks_;
    const bool tail = std::exchange(after_empty_, false) && text[at] == ',';
    Look found = tail ? look_empty_tail(text, at) : look(text, at);
    if (found.verdict == Verdict::more) {
      if (!final) {
        after_empty_ = tail;
        break;
      }
      found.verdict = Verdict::bad;
      found.reason = Drop::stale;
    }
    // Without data there is no CRC to believe: between broken bytes "0" is just a digit.
    // And the remains of one frame before a good one can read as a frame for nobody: the good one must not go with it.
    if (found.verdict == Verdict::whole && !in_step_ && (found.refused || found.frame.payload.empty())) {
      found.verdict = Verdict::bad;
      if (!found.refused) found.reason = Drop::bad_header;
    }
    if (found.verdict == Verdict::bad) {
      drop(found.reason, 1);
      in_step_ = false;
      ++at;
      continue;
    }
    in_step_ = true;
    if (found.refused)
      drop(found.reason, found.end - at);
    else if (!tail)
      sink_.on_frame(found.frame);
    after_empty_ = found.bare_empty;
    at = found.end;
  }
  return at;
}

FrameParser::Look FrameParser::look(std::string_view text, size_t at) {
  if (!rules_.through) return look_command(text, at);
  // D6: 99 may begin a local command or be a length. The reading whose CRC matches is right, the local one first.
  Look local = look_local(text, at);
  if (local.verdict == Verdict::whole) return local;
  const FrameChannel* channel = rules_.channels.empty() ? nullptr : &rules_.channels.front();
  Look data =
      channel != nullptr && channel->topics ? look_topic(text, at, channel) : look_length(text, at, true, false);
  if (data.verdict == Verdict::whole && channel == nullptr) {
    data.refused = true;
    data.reason = Drop::unknown_channel;
  }
  if (data.verdict == Verdict::whole) {
    if (channel != nullptr) data.frame.channel = channel->id;
    return data;
  }
  if (local.verdict == Verdict::more || data.verdict == Verdict::more) return wait_for_more();
  return local.reason > data.reason ? local : data;
}

FrameParser::Look FrameParser::look_command(std::string_view text, size_t at) {
  const Field id = read_field(text, at, 2, is_digit);
  if (id.state == Field::State::more) return wait_for_more();
  uint32_t number = 0;
  if (id.state != Field::State::ready || id.text[0] == '0' || !to_number(id.text, number)) return {};
  if (number == local_channel) return look_local(text, at);

  const auto known = std::find_if(rules_.channels.begin(), rules_.channels.end(),
                                  [&](const FrameChannel& c) { return c.id == number; });
  Look found;
  if (known != rules_.channels.end()) {
    found = known->topics ? look_topic(text, id.next, &*known) : look_length(text, id.next, true, false);
  } else {  // nobody knows its form: the one whose CRC matches tells how much to leave out
    found = look_topic(text, id.next, nullptr);
    if (found.verdict == Verdict::bad) found = look_length(text, id.next, true, true);
    found.refused = true;
    if (found.verdict == Verdict::whole) found.reason = Drop::unknown_channel;
  }
  found.frame.channel = number;
  return found;
}

FrameParser::Look FrameParser::look_local(std::string_view text, size_t at) {
  constexpr std::string_view mark = "99,";
  const std::string_view begin = text.substr(at, mark.size());
  if (begin != mark.substr(0, begin.size())) return {};
  if (begin.size() < mark.size()) return wait_for_more();
  Look found = look_length(text, at + mark.size(), false, false);
  found.frame.local = true;
  return found;
}

// channel null: any topic.
FrameParser::Look FrameParser::look_topic(std::string_view text, size_t at, const FrameChannel* channel) {
  const bool named = channel != nullptr && !channel->publish.empty();
  const Field topic = named ? read_field(text, at, topic_max, is_topic) : read_field(text, at, 10, is_digit);
  if (topic.state == Field::State::more) return wait_for_more();
  if (topic.state != Field::State::ready) return {};
  if (!named && topic.text[0] == '0' && topic.text.size() > 1) return {};  // "0", and what follows is something else
  Look found = look_length(text, topic.next, false, false);
  found.frame.topic = topic.text;
  const bool known =
      !named || std::find(channel->publish.begin(), channel->publish.end(), topic.text) != channel->publish.end();
  if (found.verdict == Verdict::whole && !known) {
    found.refused = true;
    found.reason = Drop::unknown_topic;
  }
  return found;
}

// len,crc,data. bare_empty: a length of 0 ends the frame; may_go_on: unless a comma follows.
FrameParser::Look FrameParser::look_length(std::string_view text, size_t at, bool bare_empty, bool may_go_on) {
  Look found;
  if (at >= text.size()) return wait_for_more();
  const bool unsure = may_go_on && text[at] == '0';
  if (unsure && at + 1 == text.size()) return wait_for_more();
  if (text[at] == '0' && bare_empty && !(unsure && text[at + 1] == ',')) {
    found.verdict = Verdict::whole;
    found.bare_empty = true;
    found.end = at + 1;
    return found;
  }
  const Field length = read_field(text, at, 10, is_digit);
  if (!length.text.empty() && length.text[0] == '0' && length.text.size() > 1) return {};
  uint64_t bytes = 0;
  if (!length.text.empty() && to_number(length.text, bytes) && bytes > frame_payload_max) {
    found.reason = Drop::too_long;
    return found;
  }
  if (length.state == Field::State::more) return wait_for_more();
  if (length.state != Field::State::ready) return {};

  uint32_t claimed = 0;
  const Field crc = read_crc(text, length.next, claimed);
  if (crc.state == Field::State::more) return wait_for_more();
  if (crc.state != Field::State::ready) return {};
  if (text.size() - crc.next < bytes) return wait_for_more();
  if (running_.of(text, crc.next, bytes) != claimed) {
    found.reason = Drop::bad_crc;
    return found;
  }
  found.verdict = Verdict::whole;
  found.frame.payload = text.substr(crc.next, bytes);
  found.end = crc.next + bytes;
  return found;
}

// Some senders write the CRC of nothing behind an empty frame too: "1,0,0,".
FrameParser::Look FrameParser::look_empty_tail(std::string_view text, size_t at) {
  uint32_t claimed = 0;
  const Field crc = read_crc(text, at + 1, claimed);
  if (crc.state == Field::State::more) return wait_for_more();
  if (crc.state != Field::State::ready || claimed != crc32(rules_.crc, {})) return {};
  Look found;
  found.verdict = Verdict::whole;
  found.end = crc.next;
  return found;
}

}  // namespace command_dtu
