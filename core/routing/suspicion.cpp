#include "routing/suspicion.hpp"

#include <algorithm>
#include <utility>

namespace dtud::routing {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// A close later than this says nothing about the message. A slow link gets time for the bytes, as in Completions.
constexpr int64_t kSoon = 15 * kSecond;
constexpr int64_t kSoonPerByte = 2'000'000;
// How long a connection is up before a suspect is sent: at least this, and so many times as long as the peer took to
// close. Also half as long again as the last connection lived, if that was short: a peer that closes each connection
// after a fixed time closes before the message is sent. After a longer life the time the peer took tells that.
constexpr int64_t kSettle = 2 * kSecond, kLongestSettle = 120 * kSecond;
constexpr int64_t kTimesAsLong = 4;
constexpr int64_t kShortLife = 10 * kSecond;
// Of so many messages in flight the one is found by sending them one at a time. Of more by starting again with one, and
// one more for each that is confirmed: each close halves the distance to it at least.
constexpr uint64_t kFew = 32;
// Before a suspect is sent again: doubled each time.
constexpr int64_t kFirstPause = 2 * kSecond, kLongestPause = 30 * kSecond, kLongestAlone = 300 * kSecond;

int64_t doubled(uint32_t times, int64_t most) {
  return times == 0 ? 0 : std::min(kFirstPause << std::min(times - 1, 16U), most);
}

int64_t soon(uint64_t bytes) { return kSoon + static_cast<int64_t>(bytes) * kSoonPerByte; }

}  // namespace

Suspicion::Allowed Suspicion::allowed(Outbox& outbox, int64_t now_ns) {
  const uint64_t in_flight = outbox.in_flight();
  if (in_flight == 0 && outbox.any_aside() && !outbox.other_waits()) outbox.put_back();  // the next one was dropped
  const bool refused = outbox.next_was_refused() != 0, suspect = refused || outbox.any_aside();
  if (in_flight >= most_ || (suspect && in_flight != 0)) {
    const int64_t due = sent_ns_ + soon(outbox.in_flight_bytes());
    if (now_ns < due) return {0, due};
    clear(outbox);
    return {};
  }
  if (refused) {
    const int64_t due = sent_ns_ + pause_ns(outbox.other_waits(1));
    if (now_ns < due) return {0, due};
  }
  if (suspect && now_ns < up_ns_ + settle_ns_) return {0, up_ns_ + settle_ns_};
  return {suspect ? 1 : static_cast<uint32_t>(most_ - in_flight), 0};
}

void Suspicion::sent(int64_t now_ns) {
  sent_ns_ = now_ns;
  closed_ = false;
}

void Suspicion::alone() {
  most_ = 1;
  single_ = true;
  left_ = std::max<uint64_t>(left_, 1);
}

bool Suspicion::refused(Outbox& outbox, uint64_t token, int64_t now_ns) {
  if (closed_) return false;  // one close, and what was in flight behind the oldest
  const uint64_t in_flight = outbox.in_flight();
  const bool careful = any();
  closed_ = true;
  single_ = careful && in_flight <= kFew;
  most_ = 1;
  left_ = std::max(careful ? left_ : 0, in_flight);
  const int64_t sent_ns = std::exchange(sent_ns_, now_ns);  // what is still in flight gets its time from here
  if (in_flight != 1) return false;
  const int64_t took = careful ? now_ns - sent_ns : 0;
  const bool first = outbox.was_refused(token) == 0;
  const bool settled = sent_ns - up_ns_ >= std::max(kSettle, kTimesAsLong * took);
  // A life says something of the peer as long as the message is not known to be a suspect.
  const bool learns = outbox.was_refused(token) + 1 < kMost && !outbox.any_aside();
  const int64_t lived = now_ns - up_ns_;
  const int64_t after_life = learns && lived < kShortLife ? lived + lived / 2 : 0;
  settle_ns_ = std::clamp(std::max((kTimesAsLong + 1) * took, after_life), kSettle, kLongestSettle);
  if (!first && (!settled || took > soon(outbox.in_flight_bytes()))) {
    outbox.put_back();
    return false;
  }
  const bool comparing = outbox.any_aside();
  const auto [times, other_taken] = outbox.count_refusal(token);
  outbox.put_back();
  if (times >= kMost && other_taken) {
    most_ = outbox.refused_waits() ? 1 : 0;
    left_ = most_;
    return true;
  }
  if (comparing) {
    ++rounds_;
  } else if (times < kMost || other_taken) {
    return false;  // it is sent again first
  } else if (outbox.other_waits(1)) {
    outbox.set_refused_aside();
    single_ = true;
  } else {
    ++lonely_;
    outbox.make_room_for_another();
  }
  if (takes_nothing_ == Nothing::unknown && (comparing || lonely_ != 0)) takes_nothing_ = Nothing::found;
  return false;
}

int64_t Suspicion::pause_ns(bool others) const {
  return others ? doubled(rounds_ > kQuickRounds ? rounds_ - kQuickRounds : 0, kLongestPause)
                : doubled(lonely_, kLongestAlone);
}

bool Suspicion::pausing(Outbox& outbox) const {
  return outbox.in_flight() == 0 && !outbox.any_aside() && outbox.next_was_refused() != 0 &&
         pause_ns(outbox.other_waits(1)) != 0;
}

bool Suspicion::takes_nothing() {
  if (takes_nothing_ != Nothing::found) return false;
  takes_nothing_ = Nothing::told;
  return true;
}

void Suspicion::completed(Outbox& outbox, uint64_t token, End end) {
  if (!outbox.is_open(token)) return;
  if (end == End::kept) {
    if (!closed_) clear(outbox);
    return;
  }
  if (end == End::confirmed && !outbox.is_registration(token)) proven(outbox, token);
  if (left_ <= 1 && !outbox.refused_waits() && !outbox.any_aside()) {
    most_ = 0;
    left_ = 0;
    return;
  }
  if (left_ > 1) --left_;
  if (!single_) ++most_;
}

void Suspicion::proven(Outbox& outbox, uint64_t token) {
  rounds_ = lonely_ = 0;
  takes_nothing_ = Nothing::unknown;
  outbox.put_back(true);
  if (outbox.was_refused(token) != 0) outbox.forget_refusals();
}

void Suspicion::up(int64_t now_ns) {
  if (carries_) return;
  carries_ = true;
  closed_ = false;
  up_ns_ = now_ns;
}

void Suspicion::down(Outbox& outbox) {
  if (!carries_) return;
  carries_ = false;
  if (any() && !closed_ && !pausing(outbox)) clear(outbox);
}

void Suspicion::clear(Outbox& outbox) {
  most_ = 0;
  left_ = 0;
  rounds_ = lonely_ = 0;
  outbox.put_back();
  outbox.forget_refusals();
}

}  // namespace dtud::routing
