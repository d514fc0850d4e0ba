#include "trail.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <new>

namespace dtu::check {
namespace {

int64_t now_ns() { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <size_t N>
void put(std::array<char, N>& to, const std::string& text) {
  const size_t n = std::min(text.size(), N - 1);
  text.copy(to.data(), n);
  to.at(n) = '\0';
}

}  // namespace

std::unique_ptr<Trail, Trail::Unmap> Trail::make() {
  void* memory = mmap(nullptr, sizeof(Trail), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return std::unique_ptr<Trail, Unmap>(new (memory) Trail);
}

void Trail::Unmap::operator()(Trail* trail) const { munmap(trail, sizeof(Trail)); }

void Trail::enter(const std::string& function) {
  put(function_, function);
  entered_ns_ = now_ns();
}

void Trail::step(const std::string& text) { put(step_, text); }

int64_t Trail::inside_ns() const {
  const int64_t since = entered_ns_;
  return since == 0 ? 0 : now_ns() - since;
}

const char* Trail::broken_rule() const {
  const uintptr_t at = fault_;
  if (at == 0) return nullptr;
  for (const Region& r : regions) {
    if (r.kind == Region::none || at < r.begin || at >= r.end) continue;
    if (r.kind == Region::freed) return "data.borrowed";
    return at >= r.data_end ? "data.past-end" : "data.written";
  }
  return nullptr;
}

void Trail::clear() {
  entered_ns_ = 0;
  fault_ = 0;
  function_[0] = step_[0] = '\0';
  for (Region& r : regions) r.kind = Region::none;
}

}  // namespace dtu::check
