// bench-load: the load generators of the benchmark. bench/run.py calls it; see workloads.hpp for the subcommands.
#include <signal.h>

#include <array>
#include <cstdio>
#include <exception>
#include <string_view>

#include "measure.hpp"
#include "workloads.hpp"

namespace {

struct Workload {
  std::string_view name;
  int (*run)(const bench::Options&);
};

constexpr std::array<Workload, 6> kWorkloads{{{"pingpong", bench::run_pingpong},
                                              {"stream", bench::run_stream},
                                              {"lines", bench::run_lines},
                                              {"first-byte", bench::run_first_byte},
                                              {"first-message", bench::run_first_message},
                                              {"keep-awake", bench::run_keep_awake}}};

}  // namespace

int main(int argc, char** argv) {
  try {
    signal(SIGPIPE, SIG_IGN);
    const std::string_view name = argc > 1 ? argv[1] : "";
    for (const Workload& workload : kWorkloads) {
      if (workload.name != name) continue;
      const bench::Options options(argc, argv, 2);
      bench::deadline(static_cast<unsigned>(options.number("deadline", 30)), "bench-load: not done by its deadline\n");
      return workload.run(options);
    }
    std::fprintf(stderr,
                 "usage: bench-load pingpong|stream|lines|first-byte|first-message|keep-awake --key value ...\n");
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench-load: %s\n", e.what());
    return 1;
  }
}
