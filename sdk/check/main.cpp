// dtu-plugin-check: what a vendor runs before shipping. See README.md beside this file.
#include <dtu/abi.h>
#include <unistd.h>

#include <Poco/Exception.h>

#include <chrono>
#include <cstdio>
#include <iostream>

#include "report.hpp"

namespace {

using dtu::check::Options;

constexpr int broken = 1;
constexpr int wrong_usage = 2;
constexpr int cannot = 3;

// One line that is written over, when somebody watches and it takes long.
class Progress {
 public:
  void operator()(const std::string& what) {
    if (!watched_ || std::chrono::steady_clock::now() - begin_ < std::chrono::seconds(1)) return;
    std::fprintf(stderr, "\r\x1b[K%s", what.c_str());
    shown_ = true;
  }
  void end() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }

 private:
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  const bool watched_ = isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
};

int check(const Options& options) {
  Progress progress;
  const std::string file = options.file.find('/') == std::string::npos ? "./" + options.file : options.file;
  Options here = options;
  here.file = file;  // the linker looks elsewhere for a name without a slash
  const auto result = dtu::check::Run(here, [&](const std::string& what) { progress(what); }).go();
  progress.end();
  std::cout << (options.json ? dtu::check::as_json(options.file, result)
                             : dtu::check::for_people(options.file, result));
  if (!result.cannot.empty()) return cannot;
  return dtu::check::count(result, dtu::check::Severity::error) == 0 ? 0 : broken;
}

int run(int argc, char** argv) {
  const Options options = dtu::check::read_options(argc, argv);
  if (options.help) {
    std::cout << dtu::check::usage();
    return 0;
  }
  if (options.version) {
    std::cout << "dtu-plugin-check for plugin ABI " << DTU_ABI_MAJOR << '.' << DTU_ABI_MINOR << '\n';
    return 0;
  }
  if (options.list) {
    std::cout << (options.json ? dtu::check::rules_as_json() : dtu::check::rules_for_people());
    return 0;
  }
  return check(options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const dtu::check::Usage& e) {
    std::cerr << "dtu-plugin-check: " << e.what() << "\nsee dtu-plugin-check --help\n";
    return wrong_usage;
  } catch (const Poco::Exception& e) {
    std::cerr << "dtu-plugin-check: " << e.displayText() << '\n';
    return wrong_usage;
  } catch (const std::exception& e) {
    std::cerr << "dtu-plugin-check: " << e.what() << '\n';
    return cannot;
  }
}
