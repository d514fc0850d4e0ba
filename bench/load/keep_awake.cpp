// Keeps every CPU busy at the lowest priority there is (SCHED_IDLE: anything else goes first), so that none of them
// halts. In a virtual machine waking a halted CPU costs more than the gateway itself; without that cost the programs
// differ.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "measure.hpp"
#include "workloads.hpp"

namespace bench {

int run_keep_awake(const Options& options) {
  const int64_t end = now_ns() + options.number("seconds") * 1'000'000'000;
  const sched_param lowest{};
  if (sched_setscheduler(0, SCHED_IDLE, &lowest) != 0) throw std::runtime_error("SCHED_IDLE refused");
  const auto spin = [end](int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    while (now_ns() < end) std::atomic_signal_fence(std::memory_order_seq_cst);
  };
  std::vector<std::thread> spinners;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) spinners.emplace_back(spin, cpu);
  for (std::thread& spinner : spinners) spinner.join();
  return 0;
}

}  // namespace bench
