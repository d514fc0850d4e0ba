#include "plugins/handle.hpp"

#include <array>
#include <stdexcept>

#include "plugins/context.hpp"
#include "plugins/instances.hpp"
#include "plugins/sound.hpp"

namespace dtud::plugins {
namespace {

// Live instances, those that rest (Instances) and those whose plugin never came back: some hundred at most.
constexpr unsigned kSlotBits = 14;
constexpr size_t kSlots = size_t{1} << kSlotBits;

struct Table {
  Mutex mutex;
  std::array<std::atomic<Handle*>, kSlots> slots{};
  size_t used DTU_GUARDED_BY(mutex) = 0;           // none behind it was ever taken
  uintptr_t generation DTU_GUARDED_BY(mutex) = 0;  // of the newest number; it wraps on 32 bits after 262,144
};

Table& table() {
  static Table all;
  return all;
}

size_t free_slot(Table& t) DTU_REQUIRES(t.mutex) {
  for (size_t slot = 0; slot < t.used; ++slot)
    if (t.slots.at(slot).load() == nullptr) return slot;
  if (t.used == kSlots) throw std::length_error("too many instances");
  return t.used++;
}

uintptr_t new_number(Table& t, size_t slot) DTU_REQUIRES(t.mutex) {
  constexpr uintptr_t kGenerations = UINTPTR_MAX >> kSlotBits;
  t.generation = t.generation % kGenerations + 1;  // never 0: no number is a null pointer
  return (t.generation << kSlotBits) | slot;
}

size_t take_slot(Handle& handle) {
  Table& t = table();
  Lock lock(t.mutex);
  const size_t slot = free_slot(t);
  t.slots.at(slot).store(&handle);
  return slot;
}

}  // namespace

Handle::Handle(Context& shared) : context(&shared), slot_(take_slot(*this)), number_(0) {}

Handle::~Handle() {
  Table& t = table();
  Lock lock(t.mutex);
  t.slots.at(slot_).store(nullptr);
}

void Handle::renew() {
  Table& t = table();
  Lock lock(t.mutex);
  number_.store(new_number(t, slot_));
}

Handle* Handle::find(dtu_instance* i) {
  const auto number = reinterpret_cast<uintptr_t>(i);
  Handle* handle = table().slots[number & (kSlots - 1)].load(std::memory_order_acquire);
  return handle != nullptr && number != 0 && handle->number_.load(std::memory_order_relaxed) == number ? handle
                                                                                                       : nullptr;
}

Handle* Handle::find(dtu_instance* i, const char* function) {
  if (Handle* handle = find(i)) {
    handle->calls.store(handle->calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return handle;
  }
  const Lane* lane = Lane::current();
  const std::string* who = lane != nullptr ? lane->running() : nullptr;
  Faults* to_blame = nullptr;
  const Handle* any = nullptr;
  {
    Table& t = table();
    Lock lock(t.mutex);
    for (size_t slot = 0; slot < t.used; ++slot) {
      const Handle* handle = t.slots.at(slot).load();
      if (handle == nullptr || handle->number_.load() == 0) continue;
      any = handle;
      if (who == &handle->name) to_blame = handle->faults.load();
    }
    if (to_blame == nullptr && any != nullptr) to_blame = &any->context->instances.faults().of("unknown", "unknown");
  }
  if (to_blame != nullptr)
    to_blame->note(Fault::malformed, lane != nullptr ? called_in(*lane, function) : std::string(function),
                   i == nullptr ? "is given no instance" : "is given an instance that is none, or is long gone");
  return nullptr;
}

}  // namespace dtud::plugins
