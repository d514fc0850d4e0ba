// The changes of dtu.kv/1 that one run of an instance waits for. On the instance's lane, but for order().
#pragma once
#include <dtu/services.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "plugins/kv.hpp"

namespace dtud::plugins {

class Instance;

class KvCalls {
 public:
  explicit KvCalls(Instance& owner) : owner_(owner) {}
  ~KvCalls() { release(); }
  KvCalls(const KvCalls&) = delete;
  KvCalls& operator=(const KvCalls&) = delete;

  // `change` can be read whole, and its texts are sound.
  dtu_status change(KvStore& store, const dtu_kv_change& change);
  void finish(const std::vector<KvFolder::Outcome>& outcomes);
  // Nobody is told any more; each destroy is called.
  void release();

 private:
  struct Waiting {
    void (*done)(void*, dtu_status, const dtu_error*);
    dtu_fn destroy;
    void* ctx;
  };
  void destroy(const Waiting& waiting);

  Instance& owner_;
  std::unordered_map<uint64_t, Waiting> waiting_;
  uint64_t last_ = 0;
};

}  // namespace dtud::plugins
