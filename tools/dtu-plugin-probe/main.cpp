// dtu-plugin-probe: run by dtud and dtuctl to look at a plugin file. One job, a line of JSON, on standard input; the
// file itself as descriptor 3; two lines on standard output (look.hpp). Whatever the file does ends with this process.
#include <fcntl.h>
#include <unistd.h>

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <keys/ed25519.hpp>
#include <sstream>

#include "limits.hpp"
#include "look.hpp"

namespace {

using dtu_plugin_probe::Job;
using dtu_plugin_probe::Line;
using Poco::JSON::Object;

constexpr size_t kLongestJob = 65536;
constexpr int kFile = 3, kAnswers = 20;  // descriptors

std::string read_line() {
  std::string job;
  for (char c = 0; job.size() < kLongestJob;) {
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || c == '\n') break;
    job += c;
  }
  return job;
}

std::vector<std::string> texts(const Object& job, const char* key) {
  std::vector<std::string> out;
  const Poco::JSON::Array::Ptr list = job.getArray(key);
  for (unsigned i = 0; list && i < list->size(); ++i) out.push_back(list->getElement<std::string>(i));
  return out;
}

// What a plugin prints goes nowhere, and it has nothing to read; the answers go where only this program looks.
void put_answers_aside() {
  ::dup3(STDOUT_FILENO, kAnswers, O_CLOEXEC);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nothing, fd);
  if (nothing > STDERR_FILENO) ::close(nothing);
}

void tell(const Line& line) {
  std::ostringstream text;
  line->stringify(text);
  const std::string all = text.str() + "\n";
  for (size_t at = 0; at < all.size();) {
    const ssize_t n = ::write(kAnswers, all.data() + at, all.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) std::_Exit(EXIT_FAILURE);
    at += static_cast<size_t>(n);
  }
}

void look(const Object& o) {
  Job job{o.getValue<std::string>("file"),
          kFile,
          texts(o, "keys"),
          o.optValue<bool>("require_signed", false),
          texts(o, "held"),
          o.optValue<bool>("schemas", false),
          o.optValue<std::string>("component", ""),
          o.optValue<std::string>("config", "")};
  const auto bytes = dtu_plugin_probe::look_at_bytes(job);
  tell(bytes.line);
  if (bytes.instead) return tell(bytes.instead);
  dtu_plugin_probe::limit_for_plugin(o.optValue<unsigned>("cpu_s", 2));
  tell(dtu_plugin_probe::look_inside(job));
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) {
    std::fputs("dtu-plugin-probe is run by dtud and dtuctl: see dtuctl inspect FILE\n", stderr);
    return 2;
  }
  ::close_range(kFile + 1, ~0U, 0);
  dtu_plugin_probe::limit_this_process();
  const std::string job = read_line();
  put_answers_aside();
  try {
    look(*Poco::JSON::Parser().parse(job).extract<Object::Ptr>());
  } catch (const Poco::Exception& e) {
    tell(dtu_plugin_probe::refused("dtu-plugin-probe: " + e.displayText()));
  } catch (const std::exception& e) {
    tell(dtu_plugin_probe::refused(std::string("dtu-plugin-probe: ") + e.what()));
  }
  std::_Exit(EXIT_SUCCESS);  // its destructors are no part of the look
}
