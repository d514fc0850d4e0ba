#include "plugin_host/feed.hpp"

#include <algorithm>
#include <utility>

#include "plugins/isolation/frame.hpp"

namespace dtud::host {

using plugins::isolation::cost_of;

namespace {

// As dtud does where it offers messages itself (core/routing): after it took none of them although nothing was wrong,
// and after it was full and said no more.
constexpr int64_t kRetryAfter_ns = 1'000'000'000, kLostRoom_ns = 30'000'000'000;

}  // namespace

bool Feed::serve() {
  if (offering_ || full_ || closed_ || waiting_.empty() || !instance_.alive()) return false;
  offering_ = true;
  // The messages stay in their places, which a deque keeps, until the call is over.
  const auto offer = [this](Batch& b) {
    b.error.struct_size = sizeof b.error;
    b.status = instance_.guarded(function_, &b.error, [&] { return offer_(b.msgs.data(), b.n, &b.taken, &b.error); });
  };
  const auto fill = [this](Batch& b) {
    b.n = static_cast<uint32_t>(std::min<size_t>(waiting_.size(), kBatch));
    for (uint32_t i = 0; i < b.n; ++i) waiting_[i].message.show(waiting_[i].token, b.msgs[i]);
  };
  if (instance_.on_main()) {
    Batch batch;
    fill(batch);
    offer(batch);
    offered(batch);
    return true;
  }
  auto batch = std::make_shared<Batch>();
  fill(*batch);
  instance_.call([batch, offer, self = shared_from_this()] { return offer(*batch), batch; },
                 [self = shared_from_this()](const std::shared_ptr<Batch>& b) { self->offered(*b); });
  return true;
}

void Feed::offered(const Batch& b) {
  offering_ = false;
  instance_.faults().judge_taken(function_, b.status, b.taken, b.n);
  const uint32_t taken = std::min(b.taken, b.n);
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < taken; ++i) bytes += cost_of(b.msgs[i]);
  waiting_.erase(waiting_.begin(), waiting_.begin() + taken);
  if (taken != 0) told_.taken(taken, bytes);
  const bool refused = b.status == DTU_E_INVALID && told_.refused != nullptr && taken < b.n;
  if (refused) {
    const uint64_t cost = cost_of(b.msgs[taken]);
    waiting_.pop_front();
    told_.refused(cost, b.error);
  }
  const bool none = taken == 0 && b.status >= 0;
  if (std::exchange(tried_again_, false) && taken != 0 && !room_told_)
    instance_.faults().note(plugins::Fault::no_writable, function_,
                            "took nothing more, had room again and did not call writable(): it was tried again");
  full_ = ((b.status < 0 && !refused) || none) && !room_told_;
  room_told_ = false;
  if (full_) instance_.context().main.timers().arm(timer_, monotonic_ns() + (none ? kRetryAfter_ns : kLostRoom_ns));
  none_ = none;
}

void Feed::try_again(void* self) {
  auto& me = *static_cast<Feed*>(self);
  if (!me.full_) return;
  me.full_ = false;
  me.tried_again_ = !me.none_;
}

void Feed::room() {
  full_ = tried_again_ = false;
  room_told_ = offering_;
}

void Feed::give_back(const std::function<void(uint64_t)>& each) {
  if (offering_) return;
  uint32_t messages = 0;
  uint64_t bytes = 0;
  for (; !waiting_.empty(); waiting_.pop_front()) {
    bytes += cost_of(waiting_.front().message.view(0));
    ++messages;
    each(waiting_.front().token);
  }
  if (messages != 0) told_.taken(messages, bytes);
}

}  // namespace dtud::host
