// dtuctl: inspects and controls a running dtud.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "actions.hpp"
#include "failure.hpp"

namespace {

int run(const std::vector<std::string>& words) {
  using namespace dtuctl;
  if (!words.empty() && words.front() == "__complete")
    return complete(std::vector<std::string>(words.begin() + 1, words.end()));
  const Invocation in = parse(words);
  int code = kOk;
  if (in.help) {
    print(help_of(in.subcommand, in.topic));
  } else if (in.subcommand == nullptr) {
    print("dtuctl " DTUKIT_VERSION "\n");
  } else {
    code = in.subcommand->run(in);
  }
  finish_output();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const dtuctl::Failure& f) {
    std::fflush(stdout);
    if (*f.what() != '\0') std::fprintf(stderr, "dtuctl: %s\n", f.what());
    return f.code();
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "dtuctl: %s\n", e.what());
    return dtuctl::kFailed;
  }
}
