// dtu-plugin-host: the process of one isolated instance. dtud starts it, with its socket and its page as descriptors 3
// and 4, and tells it by the first frame what to be.
#include <sys/socket.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "plugin_host/bridge.hpp"
#include "plugin_host/limits.hpp"
#include "plugins/isolation/child.hpp"

namespace {

using namespace dtud;

plugins::isolation::Activity* last_words = nullptr;  // for a handler that gets nothing handed

[[noreturn]] void terminated() {
  const char* what = "terminated";
  try {
    if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    last_words->say(std::string("an uncaught exception: ") + e.what());
    std::abort();
  } catch (...) {
    what = "an uncaught exception";
  }
  last_words->say(what);
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  Descriptor socket(plugins::isolation::kSocketFd);
  Descriptor page_fd(plugins::isolation::kPageFd);
  sockaddr peer{};
  socklen_t length = sizeof peer;
  if (argc != 3 || ::getpeername(socket.get(), &peer, &length) != 0) {
    std::fprintf(stderr, "dtu-plugin-host is started by dtud, for a component with \"isolate\"\n");
    return 2;
  }
  const std::string_view parent(argv[2]);
  int pid = 0;
  std::from_chars(parent.data(), parent.data() + parent.size(), pid);
  if (!host::confine(pid)) return EXIT_FAILURE;
  const plugins::isolation::Page page = plugins::isolation::Page::map(page_fd.get());
  if (!page) return EXIT_FAILURE;
  page_fd.close();
  last_words = page.get();
  std::set_terminate(terminated);
  try {
    Lane lane("plugin");
    host::Bridge bridge(lane, std::move(socket), *page.get());
    lane.run();
  } catch (const std::exception& e) {
    page.get()->say(e.what());
  }
  std::_Exit(EXIT_FAILURE);
}
