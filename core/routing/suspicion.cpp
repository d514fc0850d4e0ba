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
// Between two tries of the suspect: doubled each time.
constexpr int64_t kFirstPause = 2 * kSecond, kLongestPause = 60 * kSecond, kLongestAlone = 300 * kSecond;
constexpr uint32_t kRounds = 8;

// After so many of these tries others are tried too? Seldom: a peer that begins to take messages just then costs the
// suspect. The longer it takes nothing, the less of the time that is.
bool is_time_for_others(uint32_t rounds) { return (rounds & (rounds - 1)) == 0 || rounds % kRounds == 0; }

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
  if (refused && resume_ns_ != 0) {
    const bool other_came = alone_ && outbox.other_waits(kMost);
    if (now_ns < resume_ns_ && !other_came) return {0, resume_ns_};
    if (other_came) rounds_ = 0;
    resume_ns_ = 0;
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
  const bool taken = std::exchange(taken_, false);
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
  const uint8_t times = outbox.count_refusal(token);
  if (times >= kMost && taken) {
    most_ = 0;  // found
    left_ = 0;
    return true;
  }
  const bool others = outbox.any_aside();
  if (times >= kMost && outbox.other_waits() && (others || is_time_for_others(++rounds_)))
    outbox.set_aside(token);
  else if (times >= kMost || others)
    pause(outbox, now_ns, times >= kMost);
  return false;
}

// `suspect`: the one that was just refused is one. Then it may be that nobody else waits.
void Suspicion::pause(Outbox& outbox, int64_t now_ns, bool suspect) {
  outbox.put_back();
  alone_ = suspect && !outbox.other_waits(kMost);
  pause_ns_ = std::clamp(2 * pause_ns_, kFirstPause, alone_ ? kLongestAlone : kLongestPause);
  resume_ns_ = now_ns + pause_ns_;
}

int64_t Suspicion::began_pause() { return resume_ns_ == 0 || std::exchange(told_, true) ? 0 : pause_ns_; }

void Suspicion::completed(Outbox& outbox, End end) {
  if (end == End::kept) {
    if (!closed_) clear(outbox);
    return;
  }
  if (end == End::confirmed) {
    taken_ = true;
    told_ = false;
    pause_ns_ = resume_ns_ = 0;
    rounds_ = 0;
    if (outbox.any_aside()) {
      outbox.reject_aside();
      left_ = 0;
    }
  }
  if (left_ <= 1 && !outbox.refused_waits()) {
    most_ = 0;
    left_ = 0;
    return;
  }
  if (left_ > 1) --left_;
  if (!single_) ++most_;
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
  if (any() && !closed_ && resume_ns_ == 0) clear(outbox);
}

void Suspicion::clear(Outbox& outbox) {
  most_ = 0;
  left_ = 0;
  resume_ns_ = 0;
  outbox.put_back();
  outbox.forget_refusals();
}

}  // namespace dtud::routing
