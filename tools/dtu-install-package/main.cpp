// dtu-install-package: unpacks a .tar beside what is installed and then replaces it in one step.
#include <getopt.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include "release.hpp"
#include "tar_reader.hpp"

namespace {

constexpr char kHelp[] =
    "Usage: dtu-install-package --to PATH [--version V] [--most-bytes N] [--most-entries N] FILE.tar\n"
    "       dtu-install-package --to PATH --facts\n"
    "Unpacks the package beside the installed release, then makes PATH point to it in one step. After a power cut "
    "PATH\n"
    "leads to the old or to the new release, never to a part of one. PATH is a link into PATH.d, which keeps the "
    "release\n"
    "before.\n"
    "A package is refused if it has absolute names, \"..\", links that lead out, hard links, devices or names that "
    "occur\n"
    "twice, or if it exceeds a limit. Nothing is unpacked through a link.\n\n"
    "  -t, --to PATH         where to install\n"
    "  -V, --version V       version of the package\n"
    "  -f, --facts           print what is installed, in the form hal-linux reads, and exit\n"
    "      --most-bytes N    bytes after unpacking, at most (default 67108864)\n"
    "      --most-entries N  entries, at most (default 10000)\n"
    "  -h, --help            print this help and exit\n\n"
    "Exit status: 0 installed, 1 refused (the last line gives the reason), 2 wrong usage.\n";

struct Arguments {
  std::string to, version, file;
  bool facts = false;
  dtu_package::Limits limits;
};

bool number(const char* text, uint64_t& to) {
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, to);
  return error == std::errc{} && stop == end && to != 0;
}

int usage() {
  std::fputs("see dtu-install-package --help\n", stderr);
  return 2;
}

// The exit status when it should end at once, else -1.
int parse(int argc, char** argv, Arguments& to) {
  enum { kBytes = 256, kEntries };
  static const std::array<option, 7> options{{{"to", required_argument, nullptr, 't'},
                                              {"version", required_argument, nullptr, 'V'},
                                              {"facts", no_argument, nullptr, 'f'},
                                              {"most-bytes", required_argument, nullptr, kBytes},
                                              {"most-entries", required_argument, nullptr, kEntries},
                                              {"help", no_argument, nullptr, 'h'},
                                              {nullptr, 0, nullptr, 0}}};
  for (int c = 0; (c = ::getopt_long(argc, argv, "t:V:fh", options.data(), nullptr)) != -1;) switch (c) {
      case 't':
        to.to = optarg;
        break;
      case 'V':
        to.version = optarg;
        break;
      case 'f':
        to.facts = true;
        break;
      case kBytes:
        if (!number(optarg, to.limits.bytes)) return usage();
        break;
      case kEntries:
        if (!number(optarg, to.limits.entries)) return usage();
        break;
      case 'h':
        std::fputs(kHelp, stdout);
        return 0;
      default:
        return usage();
    }
  if (to.to.empty() || to.to.back() == '/' || argc - optind != (to.facts ? 0 : 1)) return usage();
  if (!to.facts) to.file = argv[optind];
  return -1;
}

void print_facts(const std::string& version) {
  std::string safe;
  for (const char c : version) safe += c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ' ? '_' : c;
  std::printf("{\"version\": \"%s\"}\n", safe.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (const int status = parse(argc, argv, arguments); status >= 0) return status;
  try {
    if (arguments.facts) {
      print_facts(dtu_package::installed_version(arguments.to));
      return 0;
    }
    int told = -1;
    dtu_package::install(arguments.file, arguments.to, arguments.version, arguments.limits, [&told](int percent) {
      if (percent == told) return;
      told = percent;
      std::printf("%d%%\n", percent);
      std::fflush(stdout);
    });
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
