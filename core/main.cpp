// dtud: reads its options, runs the kernel on the main lane, serves the control API, obeys signals.
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>

#include "config/json_value.hpp"
#include "control/server.hpp"
#include "kernel/backend.hpp"
#include "kernel/kernel.hpp"
#include "kernel/version.hpp"
#include "kernel/views.hpp"
#include "log/counted.hpp"
#include "plugins/loader/built_in.hpp"

namespace {

using namespace dtud;

constexpr int kExitOk = 0, kExitFindings = 1, kExitUsage = 2, kExitCannotRun = 3;

constexpr char kHelp[] =
    "Usage: dtud --board FILE [options]\n"
    "Carries data between serial ports and clouds. board.json and dtu_config.json configure it.\n\n"
    "  -b, --board FILE      board document: HALs, ports, plugins (default /etc/dtukit/board.json)\n"
    "  -d, --device FILE     device document (default: device_file of the board document)\n"
    "  -S, --state-dir DIR   directory for durable state (default: state_dir of the board document)\n"
    "  -s, --socket PATH     control socket for dtuctl (default: control.socket of the board document)\n"
    "  -c, --check           check both documents against the installed plugins, print all findings, and exit\n"
    "      --json            with --check: print the findings as JSON lines\n"
    "  -v, --verbose         also log debug messages\n"
    "      --version         print the version and exit\n"
    "  -h, --help            print this help and exit\n\n"
    "SIGHUP: read the device document again, and apply it unless it has a new error (see dtuctl config reload).\n"
    "SIGTERM, SIGINT: exit.\n"
    "Exit status: 0 success, 1 --check found errors, 2 wrong usage, 3 cannot run (the reason is printed).\n"
    "Example: dtud --board board.json --socket /tmp/dtud.sock\n";

struct Arguments {
  KernelOptions kernel;
  bool check = false, json = false, verbose = false;
};

std::string absolute(const std::string& path) {
  return path.empty() || path.front() == '/' ? path : (std::filesystem::current_path() / path).string();
}

// The exit status when dtud should end at once, else -1.
int parse(int argc, char** argv, Arguments& to) {
  enum { kJson = 256, kVersionOption };
  static const std::array<option, 10> options{{{"board", required_argument, nullptr, 'b'},
                                               {"device", required_argument, nullptr, 'd'},
                                               {"state-dir", required_argument, nullptr, 'S'},
                                               {"socket", required_argument, nullptr, 's'},
                                               {"check", no_argument, nullptr, 'c'},
                                               {"json", no_argument, nullptr, kJson},
                                               {"verbose", no_argument, nullptr, 'v'},
                                               {"version", no_argument, nullptr, kVersionOption},
                                               {"help", no_argument, nullptr, 'h'},
                                               {nullptr, 0, nullptr, 0}}};
  to.kernel.board_file = "/etc/dtukit/board.json";
  for (int c = 0; (c = ::getopt_long(argc, argv, "b:d:S:s:cvh", options.data(), nullptr)) != -1;) switch (c) {
      case 'b':
        to.kernel.board_file = optarg;
        break;
      case 'd':
        to.kernel.device_file = optarg;
        break;
      case 'S':
        to.kernel.state_dir = absolute(optarg);
        break;
      case 's':
        to.kernel.socket = absolute(optarg);
        break;
      case 'c':
        to.check = to.kernel.check = true;
        break;
      case kJson:
        to.json = true;
        break;
      case 'v':
        to.verbose = true;
        break;
      case kVersionOption:
        std::printf("dtud %s (plugin ABI %d.%d)\n", kVersion, DTU_ABI_MAJOR, DTU_ABI_MINOR);
        return kExitOk;
      case 'h':
        std::fputs(kHelp, stdout);
        return kExitOk;
      default:
        std::fputs("see dtud --help\n", stderr);
        return kExitUsage;
    }
  if (optind < argc && std::strcmp(argv[optind], "help") == 0) {
    std::fputs(kHelp, stdout);
    return kExitOk;
  }
  if (optind < argc) {
    std::fprintf(stderr, "dtud: unexpected argument \"%s\": see dtud --help\n", argv[optind]);
    return kExitUsage;
  }
  return -1;
}

int check(Kernel& kernel, bool json) {
  config::Findings findings;
  const bool loaded = kernel.load(findings);
  for (const Components::File& file : kernel.components().files())
    if (!file.error.empty())
      findings.push_back({config::Finding::Severity::warning, "", "", 0, 0, "plugin file " + file.error});
  for (const config::Finding& f : findings)
    std::printf("%s\n", json ? config::to_json(config::Json(views::finding(f))).c_str() : config::to_text(f).c_str());
  if (loaded && !config::has_errors(findings) && !json)
    std::printf("both documents are valid%s\n",
                findings.empty() ? "" : (", with " + counted(findings.size(), "warning")).c_str());
  return loaded && !config::has_errors(findings) ? kExitOk : kExitFindings;
}

Descriptor block_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error to report, not an end
  sigset_t set;
  ::sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

struct SignalWatch {
  Kernel* kernel;
  int fd;
};

int run(Kernel& kernel, Lane& lane, Log& log, const Descriptor& signals) {
  config::Findings findings;
  const bool loaded = kernel.load(findings);
  for (const config::Finding& f : findings)
    log.write(f.severity == config::Finding::Severity::error ? Level::error : Level::warning, "config",
              config::to_text(f));
  if (!loaded) return kExitCannotRun;

  KernelBackend backend(kernel);
  control::Server server({kernel.options().socket}, backend);
  const auto serve = [](void* s, uint32_t) { static_cast<control::Server*>(s)->ready(); };
  SignalWatch watch{&kernel, signals.get()};
  const auto signalled = [](void* w, uint32_t) {
    const auto* me = static_cast<SignalWatch*>(w);
    signalfd_siginfo info{};
    while (::read(me->fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGHUP)
        me->kernel->reload();
      else
        me->kernel->shutdown(Kernel::End::stop);
    }
  };
  const uint64_t api = lane.watch(server.fd(), EPOLLIN, serve, &server);
  const uint64_t ends = lane.watch(signals.get(), EPOLLIN, signalled, &watch);
  if (api == 0 || ends == 0) return kExitCannotRun;
  lane.post([&] {
    kernel.start();
    log.info("kernel", std::string("dtud ") + kVersion + " runs; control socket " + kernel.options().socket);
    tell_service_manager("READY=1\nSTATUS=running");
  });
  lane.run();
  lane.unwatch(api);
  server.stop(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  return kExitOk;
}

[[noreturn]] void start_again(char** argv) {
  ::execv("/proc/self/exe", argv);
  std::fprintf(stderr, "dtud: cannot restart itself: %s\n", std::strerror(errno));
  std::exit(kExitCannotRun);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (const int status = parse(argc, argv, arguments); status >= 0) return status;
  arguments.kernel.built_in = plugins::built_in_plugins();
  Kernel::End end = Kernel::End::stop;
  int status = kExitOk;
  try {
    const Descriptor signals = block_signals();
    Log log(arguments.verbose ? Level::debug : arguments.check ? Level::error : Level::info, !arguments.check);
    Lane lane("main");
    Kernel kernel(arguments.kernel, lane, log);
    if (arguments.check) return check(kernel, arguments.json);
    status = run(kernel, lane, log, signals);
    end = kernel.end();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dtud: %s\n", e.what());
    return kExitCannotRun;
  }
  if (status == kExitOk && end == Kernel::End::reboot) {
    ::sync();
    ::reboot(RB_AUTOBOOT);
    std::fprintf(stderr, "dtud: cannot restart the board: %s; restarting only dtud\n", std::strerror(errno));
  }
  if (status == kExitOk && end != Kernel::End::stop) start_again(argv);
  return status;
}
