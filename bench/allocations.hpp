// Counts what a benchmark program allocates. Include it once in a program: it stands before malloc().
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace {

std::atomic<uint64_t> allocations{0};

}  // namespace

// Every allocation of the program, operator new's too, comes by here.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* malloc(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(old, size);
}
}
