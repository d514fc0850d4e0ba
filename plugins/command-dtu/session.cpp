#include "session.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include "envelope.hpp"
#include "json_view.hpp"
#include "loose_json.hpp"
#include "message_parts.hpp"
#include "secret_words.hpp"
#include "status_codes.hpp"
#include "text_codec.hpp"

namespace command_dtu {
namespace {

constexpr size_t keep_scratch = 16384;
constexpr size_t most_topics_said = 64;
constexpr int64_t codes_of_ota[] = {62, 0x62};
// D8: these change the line a through port depends on.
constexpr int64_t refused_in_through[] = {58, 59, 60, 61, 63, 0x58, 0x59, 0x60, 0x61, 0x63};

int64_t unix_ns(const dtu_msg& msg) {
  if (msg.time_ns > 0) return msg.time_ns;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

void append_crc(std::string& head, CrcKind kind, std::string_view payload) {
  char digits[16];
  const uint32_t crc = crc32(kind, payload);
  const auto end = std::to_chars(digits, digits + sizeof digits, crc, kind == CrcKind::mpeg2 ? 16 : 10).ptr;
  if (kind == CrcKind::mpeg2) head.append("0x").append(8 - std::min<size_t>(8, end - digits), '0');
  head.append(digits, end);
}

bool is_ota(const Request& request) {
  return std::find(std::begin(codes_of_ota), std::end(codes_of_ota), request.code) != std::end(codes_of_ota);
}

// The message is this object and white space.
bool is_whole(std::string_view message, std::string_view object) {
  const std::string_view white = " \t\r\n";
  const size_t begin = message.find_first_not_of(white);
  return begin != std::string_view::npos && message.data() + begin == object.data() &&
         begin + object.size() == message.find_last_not_of(white) + 1;
}

// What a report needs to look like an answer to the order, kept by the kernel with it.
std::string tag_of(const Request& request) {
  std::string tag = R"({"msg_id":)" + (request.msg_id.empty() ? "null" : request.msg_id) + R"(,"code":)" +
                    (request.code_text.empty() ? "null" : request.code_text) + R"(,"topic_id":)";
  append_json_text(tag, request.topic_id);
  return tag + "}";
}

}  // namespace

Session::Session(dtu::Host host, Asker& asker, Diagnosis& diagnosis, MessageIds& ids, EventFeed& events,
                 const dtu_link_info& link)
    : host_(host),
      link_(host.need<dtu_link_service>(DTU_LINK_SERVICE)),
      asker_(asker),
      diagnosis_(diagnosis),
      ids_(ids),
      events_(events),
      settings_(read_link(link)),
      parser_(settings_.rules, *this),
      idle_(host, [this] { on_idle(); }),
      pieces_(host, [this](const Pieces::Given& given) { (void)given_back(given); }),
      upgrade_(asker) {
  // An upgrade may have been ordered over this link before the session, or dtud, was started.
  Question question;
  question.command = "upgrade.state";
  asker_.invoke(this, question, [this](const Reply& reply) {
    if (reply.ok()) resume_upgrade(reply.json);
  });
  if (!settings_.through) events_.join(*this, settings_.events);
}

Session::~Session() {
  events_.leave(*this);
  asker_.forget(this);
  if (const size_t bytes = pieces_.held_bytes(); bytes != 0) drop("unfinished", bytes);
}

const LinkChannel* Session::find(uint32_t id) const {
  for (const LinkChannel& channel : settings_.channels)
    if (channel.id == id) return &channel;
  return nullptr;
}

void Session::drop(std::string_view reason, uint64_t bytes) {
  link_.drop(host_.instance(), settings_.link, dtu::str(reason), bytes);
}

void Session::from_port(const dtu_msg& msg) {
  now_ns_ = unix_ns(msg);
  if (msg.payload.len == 0) return idle_.disarm();  // the next bytes wait in the port: the line is not idle
  parser_.feed(dtu::view(msg.payload));
  looked_again_ = false;
  if (parser_.wants_idle()) idle_.arm_ms(settings_.idle_ms);
}

// The lane may have been late itself, with more of the frame waiting in the port: let the descriptors have their turn.
void Session::on_idle() {
  if (!parser_.wants_idle()) return;
  if (!looked_again_) {
    looked_again_ = true;
    idle_.arm_ms(1);
    return;
  }
  parser_.line_idle();
}

void Session::on_frame(const Frame& frame) {
  if (!frame.local) {
    if (const LinkChannel* channel = find(frame.channel)) uplink(*channel, frame);
    return;
  }
  Asked asked;
  asked.request = read_local(frame.payload);
  command(std::move(asked));
}

void Session::uplink(const LinkChannel& channel, const Frame& frame) {
  dtu_msg msg{};
  msg.time_ns = now_ns_;
  msg.route = dtu::str(frame.topic);
  msg.payload = dtu::str(frame.payload);
  if (!channel.raw) {
    scratch_.clear();
    append_envelope(scratch_, ids_.next(now_ns_), frame.payload, settings_.convert);
    msg.payload = dtu::str(scratch_);
  }
  const dtu_status status = link_.to_channel(host_.instance(), settings_.link, channel.id, &msg);
  if (status != DTU_OK) {
    drop(status == DTU_E_INVALID ? "too_long" : "unknown_channel", frame.payload.size());
    diagnosis_.noise(not_handed_over, of_channel(channel.id));
  }
  if (scratch_.capacity() > keep_scratch) std::string().swap(scratch_);
}

// As data, so that it is kept, stored and sent again like data.
void Session::on_event(const dtu_event& event) {
  const std::string_view name = dtu::view(event.name);
  const auto named = [&](const std::string& of) { return selects(of, name); };
  if (event.seq <= last_event_ || std::none_of(settings_.events.begin(), settings_.events.end(), named)) return;
  last_event_ = event.seq;
  for (const LinkChannel& channel : settings_.channels) {
    const std::string text = event_message(event, channel.raw ? 0 : ids_.next(event.time_ns));
    dtu_msg msg{};
    msg.time_ns = event.time_ns;
    msg.payload = dtu::str(text);
    if (link_.to_channel(host_.instance(), settings_.link, channel.id, &msg) == DTU_OK) continue;
    drop("event", text.size());
    diagnosis_.noise(not_handed_over, of_channel(channel.id));
  }
}

void Session::on_drop(Drop reason, uint64_t bytes) {
  drop(drop_names[static_cast<size_t>(reason)], bytes);
  const bool nobody = reason == Drop::unknown_channel || reason == Drop::unknown_topic;
  diagnosis_.noise(nobody ? channel_unknown : frame_broken, of_port(settings_.port));
}

void Session::from_channel(uint32_t id, const dtu_msg& msg) {
  now_ns_ = unix_ns(msg);
  const LinkChannel* channel = find(id);
  if (channel == nullptr || (settings_.through && channel != &settings_.channels.front()))
    return drop("unknown_channel", msg.payload.len);
  const std::string_view route = dtu::view(msg.route);
  std::string_view payload = dtu::view(msg.payload);
  if (settings_.through) return downlink(*channel, route, payload);
  // D17: what a broker kept from before is no command. A line is no place for one either: it may carry the password.
  if ((msg.flags & DTU_MSG_RETAINED) != 0) {
    if (holds_command(payload) || names_command(payload)) return drop_retained(*channel, msg);
    return downlink(*channel, route, payload);
  }

  if (channel->stream)
    if (const auto taken = pieces_.go_on(id, msg.source, payload)) {
      const bool broken = taken->ended && given_back(*taken->ended);
      payload.remove_prefix(taken->used);
      if (!taken->again.empty()) {
        const std::string whole = taken->again + std::string(payload);
        (void)message({*channel, msg.source, route, whole, true});
        return;
      }
      if (const size_t end = std::min(payload.find('{'), payload.size()); broken && end != 0) {
        drop("late", end);
        if (end == payload.size()) pieces_.follow(id, msg.source, payload, true);
        payload.remove_prefix(end);
      }
      size_t at = 0;
      skip_blank(payload, at);
      if (at == payload.size()) return;
    }
  message({*channel, msg.source, route, payload, channel->stream});
}

// Said once for a topic: a broker sends it at every connect.
void Session::drop_retained(const LinkChannel& channel, const dtu_msg& msg) {
  drop("retained_command", msg.payload.len);
  std::string_view topic = dtu::view(msg.route);
  for (uint32_t i = 0; i < msg.prop_count; ++i)
    if (dtu::view(msg.props[i].key) == "topic") topic = dtu::view(msg.props[i].value);
  const std::string where = "channel " + std::to_string(channel.id) + ": a retained command on " + std::string(topic);
  if (retained_said_.size() < most_topics_said && retained_said_.insert(where).second)
    host_.info(where +
               " was dropped: it was sent before this connection was made, and a retained message is never "
               "a command");
}

bool Session::message(const Incoming& in) {
  if (may_hold_command(in.payload)) return parts(in);
  if (row_of_data(in)) return false;
  downlink(in.channel, in.route, in.payload);
  follow(in, in.payload, false);
  return false;
}

// A stream may deliver several objects at once, and the last in part: when the message is a row of JSON objects, each
// counts for itself. False: it is no such row.
bool Session::row_of_data(const Incoming& in) {
  std::vector<std::string_view> objects;
  const std::string_view text = in.payload;
  size_t at = 0;
  skip_white_space(text, at);
  while (at < text.size()) {
    const auto value = text[at] == '{' ? read_json(text, at) : std::nullopt;
    if (!value) {
      if (!in.more_may_come || !may_become_object(text.substr(at)) || !hold(in, text.substr(at))) return false;
      break;
    }
    objects.push_back(value->text);
    skip_white_space(text, at);
  }
  if (objects.empty()) return at < text.size();  // held, or nothing at all
  const bool alone = objects.size() == 1 && at == text.size();
  for (const std::string_view object : objects) downlink(in.channel, in.route, alone ? text : object);
  return true;
}

bool Session::parts(const Incoming& in) {
  std::string_view text = in.payload;
  bool broken = false;
  for (;;) {
    const Part part = first_part(text, in.more_may_come);
    if (part.kind == Part::Kind::nothing) return broken;
    broken = part.kind == Part::Kind::broken;
    const bool last = part.end == text.size();
    switch (part.kind) {
      case Part::Kind::nothing:
        break;
      case Part::Kind::command:
        command(Asked{read_request(part.strict), &in.channel, in.peer});
        break;
      case Part::Kind::object:
        if (is_whole(in.payload, part.text)) return downlink(in.channel, in.route, in.payload), false;
        downlink(in.channel, in.route, part.text);
        break;
      case Part::Kind::data:
        downlink(in.channel, in.route, part.text);
        if (last) follow(in, part.text, false);
        break;
      case Part::Kind::broken:
        command(Asked{broken_request(part.text.size(), part.problem), &in.channel, in.peer});
        if (last) follow(in, part.text, true);
        break;
      case Part::Kind::unfinished:
        if (hold(in, part.text)) return false;
        broken = parts({in.channel, in.peer, in.route, part.text, false});
        follow(in, part.text, broken);
        return broken;
    }
    text.remove_prefix(part.end);
  }
}

bool Session::hold(const Incoming& in, std::string_view text) { return pieces_.begin(in.channel.id, in.peer, text); }

void Session::follow(const Incoming& in, std::string_view text, bool secret) {
  if (in.more_may_come) pieces_.follow(in.channel.id, in.peer, text, secret);
}

// What a stream delivered in pieces is whole, or will never be.
bool Session::given_back(const Pieces::Given& given) {
  const LinkChannel* from = find(given.channel);
  if (given.what == Pieces::What::dropped) drop("late", given.bytes);
  if (given.what == Pieces::What::secret) drop("late", given.text.size());
  if (from == nullptr) return false;
  switch (given.what) {
    case Pieces::What::text:
      return message({*from, given.peer, {}, given.text, false});
    case Pieces::What::too_long:
      command(Asked{too_long_request(), from, given.peer});
      return false;
    case Pieces::What::rest:
      downlink(*from, {}, given.text);
      return false;
    case Pieces::What::secret:
      command(Asked{broken_request(given.text.size(), {0, "its beginning was taken for data"}), from, given.peer});
      return false;
    case Pieces::What::dropped:
      return false;
  }
  return false;
}

void Session::downlink(const LinkChannel& channel, std::string_view route, std::string_view message) {
  if (settings_.port.empty()) return drop("no_port", message.size());
  const auto json = parse_json(message);
  const std::string_view object = json && json->type == JsonType::object ? json->text : std::string_view();
  std::string scratch;
  const std::string_view payload = downlink_payload(message, object, settings_.convert, scratch);
  if (payload.size() > frame_payload_max) return drop("too_long", payload.size());

  head_.clear();
  if (!settings_.through) head_.append(std::to_string(channel.id)).append(",");
  if (channel.topics) head_.append(route.empty() ? std::string_view(channel.first_down) : route).append(",");
  if (payload.empty() && !channel.topics)
    head_ += '0';
  else
    append_check(head_, payload);
  to_port(head_, payload, 0);
}

void Session::append_check(std::string& head, std::string_view payload) const {
  head.append(std::to_string(payload.size())).append(",");
  append_crc(head, settings_.crc, payload);
  head += ',';
}

void Session::to_port(std::string_view head, std::string_view payload, uint32_t flags) {
  dtu_msg msg{};
  msg.time_ns = now_ns_;
  msg.flags = flags;
  uint8_t* bytes = nullptr;
  const dtu::Buffer buffer = host_.alloc(head.size() + payload.size(), &bytes);
  if (!buffer) return drop("no_memory", payload.size());
  std::memcpy(bytes, head.data(), head.size());
  if (!payload.empty()) std::memcpy(bytes + head.size(), payload.data(), payload.size());
  msg.payload = {reinterpret_cast<const char*>(bytes), head.size() + payload.size()};
  msg.owner = buffer.get();
  // Data only: an answer is of use, or expected, whenever it comes.
  if (settings_.max_age_ns != 0 && (flags & DTU_MSG_COMMAND) == 0)
    msg.latest_ns = host_.monotonic_ns() + settings_.max_age_ns;
  if (const dtu_status status = link_.to_port(host_.instance(), settings_.link, &msg); status != DTU_OK)
    drop(status == DTU_E_INVALID ? "too_long" : "no_port", payload.size());
}

// With plate 1 the IMEI is asked for first, so that an answer goes out in the moment its command is done: a command may
// change the very link it came over.
void Session::command(Asked asked) {
  if (!settings_.style.plate || !imei_.empty()) return carry_out(std::move(asked));
  if (running(asked) >= commands_at_once) return carry_out(std::move(asked));
  ++running(asked);
  asker_.read_point(this, "device.imei", [this, asked = std::move(asked)](const Reply& reply) {
    --running(asked);
    const auto value = reply.ok() ? parse_json(reply.json) : std::nullopt;
    if (value && value->type == JsonType::string) imei_ = unquote(value->text);
    carry_out(asked);
  });
}

void Session::carry_out(Asked asked) {
  const Request& request = asked.request;
  if (request.error_code != 0) return finish(asked, {"", request.error_code, request.error});
  const bool shut = std::find(std::begin(refused_in_through), std::end(refused_in_through), request.code) !=
                    std::end(refused_in_through);
  if (settings_.through && shut)
    return finish(asked, {"", not_carried_out, "cannot be set in through mode: set work_mode to command"});
  if (running(asked) >= commands_at_once) {
    drop("too_many_commands", request.bytes);
    diagnosis_.noise(not_carried_out,
                     asked.channel != nullptr ? of_channel(asked.channel->id) : of_port(settings_.port));
    return send_answer(asked, {"", not_carried_out, "too many commands at once: wait for their answers"});
  }

  ++running(asked);
  Question question;
  question.code = request.code;
  const std::string args = arguments_of(asked);
  const auto password = request.password;
  question.args = args;
  if (password) question.password = *password;
  question.link = settings_.link;
  question.caller = asked.channel != nullptr ? DTU_CALLER_CHANNEL : DTU_CALLER_PORT;
  if (asked.channel != nullptr) question.channel = asked.channel->id;
  question.peer = asked.peer;
  asker_.invoke(this, question, [this, asked = std::move(asked)](const Reply& reply) {
    --running(asked);
    Outcome outcome;
    if (reply.ok()) {
      outcome = outcome_of(reply.json);
    } else {
      outcome.error_code = error_code_of(reply.status, reply.protocol_code, asked.request.code);
      outcome.error = reply.error.empty() ? "status " + std::to_string(reply.status) : std::string(reply.error);
    }
    finish(asked, outcome);
    if (reply.ok()) follow_upgrade(asked, outcome.data);
  });
}

std::string Session::arguments_of(const Asked& asked) {
  const std::string& args = asked.request.args;
  if (!is_ota(asked.request)) return args;
  const size_t first = args.find_first_not_of(" \t\r\n", args.find('{') + 1);
  return "{\"asked\":" + tag_of(asked.request) + (args[first] == '}' ? "" : ",") + args.substr(first);
}

// An order is answered at once; then each of its steps is, in the same form.
void Session::follow_upgrade(const Asked& asked, std::string_view state) {
  const auto ota = is_ota(asked.request) ? member(asked.request.args, "ota") : std::nullopt;
  const int64_t id = ota && ota->type == JsonType::object ? number_in(state, "id") : -1;
  if (id < 0) return;
  upgrade_.follow(id, number_in(state, "seen"), [this, asked](std::string_view news) {
    send_answer(asked, {std::string(news), 0, ""});
  });
}

void Session::resume_upgrade(std::string_view state) {
  const auto source = member(state, "source"), tag = member(state, "tag");
  if (!source || source->type != JsonType::string || !tag || tag->type != JsonType::object) return;
  if (flag_in(state, "told")) return;
  const std::string who = unquote(source->text);
  Asked asked;
  for (const LinkChannel& channel : settings_.channels)
    if (channel.source == who) asked.channel = &channel;
  if (asked.channel == nullptr && who != settings_.source) return;
  const auto piece = [&](const char* name) {
    const auto value = member(tag->text, name);
    return value && value->type != JsonType::null ? std::string(value->text) : std::string();
  };
  asked.request.msg_id = piece("msg_id");
  asked.request.code_text = piece("code");
  if (const std::string topic = piece("topic_id"); !topic.empty()) asked.request.topic_id = unquote(topic);
  upgrade_.follow(number_in(state, "id"), 0, [this, asked](std::string_view news) {
    send_answer(asked, {std::string(news), 0, ""});
  });
}

void Session::finish(const Asked& asked, const Outcome& outcome) {
  if (outcome.error_code != 0) diagnosis_.command_failed(asked.request.code_text, outcome.error_code);
  send_answer(asked, outcome);
}

void Session::send_answer(const Asked& asked, const Outcome& outcome) {
  const uint64_t made = asked.request.msg_id.empty() ? ids_.next(now_ns_) : 0;
  const std::string text = answer_text(asked.request, made, outcome, settings_.style, imei_);
  if (asked.channel == nullptr) {  // D4: without the 99
    std::string head;
    append_check(head, text);
    return to_port(head, text, DTU_MSG_COMMAND);
  }
  const auto& known = settings_.rules.channels;
  const bool named = std::any_of(known.begin(), known.end(), [&](const FrameChannel& c) {
    return c.id == asked.channel->id &&
           std::find(c.publish.begin(), c.publish.end(), asked.request.topic_id) != c.publish.end();
  });
  dtu_msg msg{};
  msg.source = asked.peer;
  msg.flags = DTU_MSG_COMMAND;
  msg.payload = dtu::str(text);
  if (named) msg.route = dtu::str(asked.request.topic_id);
  if (link_.to_channel(host_.instance(), settings_.link, asked.channel->id, &msg) == DTU_OK) return;
  drop("answer", text.size());
  diagnosis_.noise(not_handed_over, of_channel(asked.channel->id));
}

void Session::channel_state(uint32_t id, int32_t state, const dtu_error* error) {
  const LinkChannel* channel = find(id);
  if (channel == nullptr) return;
  diagnosis_.channel_state(id, channel->type, state, error != nullptr ? error->protocol_code : 0);
  if (state != DTU_STATE_UP && state != DTU_STATE_DEGRADED) pieces_.end(id);
}

}  // namespace command_dtu
