#include "pieces.hpp"

#include <algorithm>
#include <utility>

#include "message_parts.hpp"
#include "secret_words.hpp"

namespace command_dtu {
namespace {

constexpr int64_t ns_per_us = 1000;
constexpr int64_t second_look_ns = 1'000'000;
constexpr size_t always_read = 1024;  // longer ones are read again each time they have doubled

std::string last_bytes(std::string_view text) {
  return std::string(text.substr(text.size() - std::min(text.size(), secret_context)));
}

}  // namespace

Pieces::Pieces(dtu::Host host, Release release)
    : host_(host), release_(std::move(release)), timer_(host, [this] { on_time(); }) {}

Pieces::List::iterator Pieces::find(uint32_t channel, uint64_t peer) {
  return std::find_if(held_.begin(), held_.end(),
                      [&](const Held& h) { return h.given.channel == channel && h.given.peer == peer; });
}

std::optional<Pieces::Taken> Pieces::go_on(uint32_t channel, uint64_t peer, std::string_view bytes) {
  const auto held = find(channel, peer);
  if (held == held_.end()) return std::nullopt;
  if (held->state != State::held) return take_rest(held, bytes);
  Given& given = held->given;
  const size_t before = given.text.size();
  ObjectScan scan = held->scan;
  const std::optional<size_t> end = scan.feed(bytes);
  const bool longer = before + end.value_or(bytes.size()) > bytes_max;
  bool hopeless = longer && given.what != What::too_long && !has_secret(given.text);
  if (const size_t size = before + bytes.size();
      !longer && (end || size <= always_read || size >= 2 * held->looked_at)) {
    held->looked_at = size;
    std::string text = given.text;
    text += bytes;
    // A mistake in the object begun must not hold up the command behind it.
    if (const auto command = begin_of_command(text, scan.doubts())) return split(held, text, *command);
    hopeless = !end && !may_become_object(text) && !has_secret(text);
  }
  if (hopeless) {
    give_up(held);
    return take_rest(held, bytes);
  }
  // A command that is too long is taken to its end all the same: no part of it must go to the line.
  held->scan = std::move(scan);
  Taken taken{end.value_or(bytes.size()), std::nullopt, {}};
  if (longer) given.what = What::too_long;
  given.text.append(bytes.substr(0, std::min(taken.used, bytes_max - before)));
  held->silent_until_ns = host_.monotonic_ns() + silence_ns;
  held->looked_again = false;
  if (end) {
    taken.ended = std::move(given);
    held_.erase(held);
  }
  arm();
  return taken;
}

// What was begun ends where another command begins.
Pieces::Taken Pieces::split(List::iterator held, const std::string& text, size_t command) {
  Taken taken{text.size() - held->given.text.size(), std::move(held->given), text.substr(command)};
  taken.ended->text = text.substr(0, command);
  held_.erase(held);
  arm();
  return taken;
}

bool Pieces::begin(uint32_t channel, uint64_t peer, std::string_view bytes) {
  ObjectScan scan;
  if (bytes.size() > bytes_max || scan.feed(bytes)) return false;
  const auto is_held = [](const Held& h) { return h.state == State::held; };
  if (static_cast<size_t>(std::count_if(held_.begin(), held_.end(), is_held)) >= peers_max)
    give_up(std::find_if(held_.begin(), held_.end(), is_held));
  const int64_t now = host_.monotonic_ns();
  Held held{{channel, peer, std::string(bytes)}, std::move(scan), now, now + silence_ns};
  held.looked_at = bytes.size();
  held_.push_back(std::move(held));
  arm();
  return true;
}

// Without a bracket: text that names a command is followed from its beginning, and data from a string that may be cut
// within a name.
void Pieces::follow(uint32_t channel, uint64_t peer, std::string_view text, bool secret) {
  if (const auto before = find(channel, peer); before != held_.end()) held_.erase(before);
  bool bare = text.find('{') == std::string_view::npos;
  size_t begin = text.find('{');
  const size_t end_of_names = text.size() - std::min(text.size(), secret_context / 2);
  if (bare) begin = secret ? 0 : text.find('"', end_of_names);
  ObjectScan scan;
  while (begin < text.size()) {
    scan = {};
    const auto end = scan.feed(text.substr(begin));
    if (!end) break;
    const size_t behind = begin + std::max<size_t>(*end, 1);
    begin = text.find('{', behind);
    if (begin != std::string_view::npos || bare) continue;
    bare = true;  // what stands behind a broken command belongs to it
    begin = secret ? text.find_first_not_of(" \t\r\n", behind) : text.find('"', std::max(behind, end_of_names));
  }
  if (begin >= text.size() || (bare && text.back() == '\n')) return arm();
  const int64_t now = host_.monotonic_ns();
  Held held{{channel, peer, last_bytes(text)}, std::move(scan), now, now};
  held.bare = bare;
  held.mistaken = !bare && !may_become_object(text.substr(begin));
  held_.push_back(std::move(held));
  start_following(held_.back(), secret ? State::dropping : State::followed);
  forget_oldest();
  arm();
}

void Pieces::end(uint32_t channel) {
  List ended;
  for (auto held = held_.begin(); held != held_.end();) {
    const auto here = held++;
    if (here->given.channel == channel) ended.splice(ended.end(), held_, here);
  }
  arm();
  for (const Held& held : ended)
    if (held.state == State::held) release_(held.given);
}

size_t Pieces::held_bytes() const noexcept {
  size_t bytes = 0;
  for (const Held& held : held_)
    if (held.state == State::held) bytes += held.given.text.size();
  return bytes;
}

// Too much time is over, or no object can become of it.
void Pieces::give_up(List::iterator held) {
  Given given = std::move(held->given);
  held->mistaken = given.what == What::text && !may_become_object(given.text);
  const bool secret = given.what == What::too_long || has_secret(given.text);
  held->given = {given.channel, given.peer, secret ? std::string() : last_bytes(given.text)};
  start_following(*held, secret ? State::dropping : State::followed);
  held_.splice(held_.end(), held_, held);
  forget_oldest();
  release_(given);
}

void Pieces::start_following(Held& held, State state) {
  held.state = state;
  if (state == State::dropping) held.given.text.clear();
  held.rest_from = held.scan.fed();
  const bool doubtful = state == State::dropping && (held.mistaken || held.bare);
  held.follow_until_ns = host_.monotonic_ns() + (doubtful ? doubtful_ns : follow_ns);
}

void Pieces::forget_oldest() {
  size_t count = 0, bytes = 0;
  for (auto held = held_.end(); held != held_.begin();) {
    const auto here = std::prev(held);
    if (here->state != State::held && (++count > followed_max || (bytes += here->given.text.size()) > rests_max))
      held_.erase(here);
    else
      held = here;
  }
}

std::optional<Pieces::Taken> Pieces::take_rest(List::iterator held, std::string_view bytes) {
  if (held->state == State::dropping && held->scan.may_go_on(bytes, held->mistaken)) return drop_rest(held, bytes);
  std::optional<Taken> taken;
  if (held->state == State::followed && !held->scan.may_begin_another(bytes, held->mistaken)) {
    const size_t brace = bytes.find('{');
    if (brace == std::string_view::npos || !has_secret(bytes.substr(brace))) return pass_rest(held, bytes);
    // What begins there is looked at by itself, and what stands before it is the rest.
    const uint32_t channel = held->given.channel;
    const uint64_t peer = held->given.peer;
    taken = pass_rest(held, bytes.substr(0, brace));
    held = find(channel, peer);
  }
  if (held != held_.end()) held_.erase(held);
  arm();
  return taken;
}

Pieces::Taken Pieces::pass_rest(List::iterator held, std::string_view bytes) {
  const std::optional<size_t> end = held->scan.feed(bytes);
  Taken taken{end.value_or(bytes.size()), std::nullopt, {}};
  Given given{held->given.channel, held->given.peer, std::string(bytes.substr(0, taken.used)), What::rest};
  const std::string context = held->given.text + given.text;
  if (has_secret(context, true)) {
    given.what = What::secret;
    held->mistaken = true;  // nothing tells what is right in text that went by
    start_following(*held, State::dropping);
  } else {
    held->given.text = last_bytes(context);
  }
  if (end) held_.erase(held);
  arm();
  if (taken.used != 0) release_(given);
  return taken;
}

// Bytes that turn out to be the beginning of a command were counted as dropped already when that comes in pieces.
Pieces::Taken Pieces::drop_rest(List::iterator held, std::string_view bytes) {
  std::string& text = held->given.text;
  const size_t before = text.size();
  Taken taken{std::min(bytes.size(), bytes_max - before), std::nullopt, {}};
  const std::optional<size_t> end = held->scan.feed(bytes.substr(0, taken.used));
  text.append(bytes.substr(0, taken.used));
  std::vector<size_t> places;
  for (const size_t at : held->scan.doubts())
    if (at >= held->rest_from) places.push_back(at - held->rest_from);
  held->mistaken = held->mistaken || held->scan.mistaken() || !places.empty();
  Given dropped{held->given.channel, held->given.peer, {}, What::dropped, taken.used};
  if (const auto command = begin_of_another(text, places)) {
    taken.again = text.substr(*command);
    dropped.bytes -= std::min(dropped.bytes, taken.again.size());
  } else if (end) {
    dropped.bytes = taken.used = *end;
  }
  if (end || !taken.again.empty() || text.size() >= bytes_max) held_.erase(held);
  forget_oldest();
  arm();
  if (dropped.bytes != 0) release_(dropped);
  return taken;
}

// The lane may have been late itself, with the missing piece waiting in a descriptor: let those have their turn.
void Pieces::on_time() {
  const int64_t now = host_.monotonic_ns();
  for (auto held = held_.begin(); held != held_.end();) {
    const auto here = held++;
    if (here->due_ns() > now) continue;
    if (here->state != State::held) {
      held_.erase(here);
    } else if (!here->looked_again) {
      here->looked_again = true;
      here->silent_until_ns = now + second_look_ns;
      here->begun_ns = std::max(here->begun_ns, here->silent_until_ns - whole_ns);
    } else {
      give_up(here);
      held = held_.begin();  // it changed the list
    }
  }
  arm();
}

void Pieces::arm() {
  if (held_.empty()) return timer_.disarm();
  int64_t due = held_.front().due_ns();
  for (const Held& held : held_) due = std::min(due, held.due_ns());
  const int64_t left = due - host_.monotonic_ns();
  timer_.arm_us(left > 0 ? static_cast<uint64_t>(left / ns_per_us) + 1 : 1);
}

}  // namespace command_dtu
