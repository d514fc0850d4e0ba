#include "plugins/kv_calls.hpp"

#include <dtu/sdk/text.hpp>

#include <utility>

#include "plugins/instance.hpp"

namespace dtud::plugins {
namespace {

// On the main lane, where instances come and go: what was written is told on the instance's lane, if there is still
// one. The number says whether the handle was given to another instance since.
void tell(dtu_instance* number, std::vector<KvFolder::Outcome> outcomes) {
  Handle* handle = Handle::find(number);
  if (handle == nullptr) return;
  Lock lock(handle->door);
  if (Lane* lane = handle->lane.load(); lane != nullptr)
    lane->post([number, outcomes = std::move(outcomes)] {
      Handle* same = Handle::find(number);
      Instance* instance = same != nullptr ? same->instance.load() : nullptr;
      if (instance != nullptr && !same->ended.load()) instance->kv_calls().finish(outcomes);
    });
}

}  // namespace

dtu_status KvCalls::change(KvStore& store, const dtu_kv_change& change) {
  const auto folder = store.folder(owner_.name());
  std::optional<std::string_view> value;
  if (change.value.ptr != nullptr) value = dtu::view(change.value);
  // Unique among all runs: what an older run of this instance changed comes back here, too, and is nothing to us.
  const uint64_t number = reinterpret_cast<uintptr_t>(owner_.handle().as_abi()) * 0x9e3779b97f4a7c15ULL + ++last_;
  const Waiting waiting{change.done, change.destroy, change.ctx};
  const dtu_status status = folder->change(dtu::view(change.key), value, number);
  if (status != DTU_PENDING) {
    if (status == DTU_E_IO) owner_.context().log.error(owner_.name(), folder->problem());
    destroy(waiting);
    return status;
  }
  if (waiting.done != nullptr || waiting.destroy != nullptr) waiting_.emplace(number, waiting);
  store.disk().run(
      folder, [folder] { return folder->write(); },
      [handle = owner_.handle().as_abi()](std::vector<KvFolder::Outcome> outcomes) {
        tell(handle, std::move(outcomes));
      });
  return DTU_PENDING;
}

void KvCalls::finish(const std::vector<KvFolder::Outcome>& outcomes) {
  const bool told = !owner_.handle().closing.load();
  std::string logged;
  for (const KvFolder::Outcome& outcome : outcomes) {
    if (!outcome.problem.empty() && outcome.problem != logged)
      owner_.context().log.error(owner_.name(), logged = outcome.problem);
    const auto node = waiting_.extract(outcome.number);
    if (!node) continue;
    const Waiting waiting = node.mapped();
    if (told && waiting.done != nullptr) {
      const dtu_error error = dtu::make_error(outcome.status, outcome.problem, DTU_ERR_RETRYABLE);
      owner_.guarded("kv done", nullptr, [&] {
        return waiting.done(waiting.ctx, outcome.status, outcome.status == DTU_OK ? nullptr : &error), DTU_OK;
      });
    }
    destroy(waiting);
  }
}

void KvCalls::destroy(const Waiting& waiting) {
  if (waiting.destroy != nullptr)
    owner_.guarded("kv destroy", nullptr, [&] { return waiting.destroy(waiting.ctx), DTU_OK; });
}

void KvCalls::release() {
  while (!waiting_.empty()) {
    const auto node = waiting_.extract(waiting_.begin());
    destroy(node.mapped());
  }
}

}  // namespace dtud::plugins
