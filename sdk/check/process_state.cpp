#include "process_state.hpp"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace dtu::check {
namespace {

std::string status_line(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.compare(0, key.size(), key) == 0) return line.substr(key.size());
  return {};
}

std::string read_link(const std::string& path) {
  std::array<char, 512> target{};
  const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  return n > 0 ? std::string(target.data(), static_cast<size_t>(n)) : std::string();
}

std::string name_of(const std::string& assignment) { return assignment.substr(0, assignment.find('=')); }

}  // namespace

size_t heap_in_use() {
  const struct mallinfo2 all = mallinfo2();
  return all.uordblks + all.hblkhd;
}

size_t count_threads() {
  size_t n = 0;
  std::error_code failed;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", failed)) n += task.exists() ? 1 : 0;
  return n;
}

std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> all;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
    const std::string to = read_link(entry.path());
    if (to.empty() || to.find("/proc/") == 0) continue;  // the one of this loop
    all[std::atoi(entry.path().filename().c_str())] = to;
  }
  return all;
}

size_t count_children() {
  size_t n = 0;
  std::ifstream in("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (std::string pid; in >> pid;) ++n;
  return n;
}

std::chrono::nanoseconds waited_for_cpu() {
  int64_t ran = 0;
  int64_t waited = 0;
  std::ifstream in("/proc/thread-self/schedstat");
  return in >> ran >> waited ? std::chrono::nanoseconds(waited) : std::chrono::nanoseconds(0);
}

ProcessState ProcessState::now() {
  // With the first thread of a process ThreadSanitizer starts one of its own, which would count as the plugin's.
  static const bool started = (std::thread([] {}).join(), true);
  static_cast<void>(started);
  ProcessState s;
  for (char** e = ::environ; e != nullptr && *e != nullptr; ++e) s.environment.emplace_back(*e);
  std::sort(s.environment.begin(), s.environment.end());
  s.directory = read_link("/proc/self/cwd");
  const char* locale = std::setlocale(LC_ALL, nullptr);
  s.locale = locale != nullptr ? locale : "";
  s.umask = status_line("Umask:");
  for (int signal = 1; signal < static_cast<int>(s.handlers.size()); ++signal) {
    struct sigaction action = {};
    if (::sigaction(signal, nullptr, &action) == 0) s.handlers.at(static_cast<size_t>(signal)) = action.sa_handler;
  }
  s.descriptors = open_descriptors();
  s.threads = count_threads();
  return s;
}

std::vector<std::pair<const char*, std::string>> changes(const ProcessState& before, const ProcessState& after) {
  std::vector<std::pair<const char*, std::string>> all;
  if (before.environment != after.environment) {
    std::vector<std::string> differ;
    std::set_symmetric_difference(before.environment.begin(), before.environment.end(), after.environment.begin(),
                                  after.environment.end(), std::back_inserter(differ));
    std::string names;
    for (const std::string& d : differ)
      if (names.find(name_of(d)) == std::string::npos) names += (names.empty() ? "" : ", ") + name_of(d);
    all.emplace_back("process.environment", "changed the environment: " + names);
  }
  if (before.directory != after.directory)
    all.emplace_back("process.directory", "changed the working directory to " + after.directory);
  if (before.umask != after.umask) all.emplace_back("process.umask", "changed the umask to" + after.umask);
  if (before.locale != after.locale) all.emplace_back("process.locale", "changed the locale to " + after.locale);
  for (size_t signal = 1; signal < before.handlers.size(); ++signal)
    if (before.handlers.at(signal) != after.handlers.at(signal))
      all.emplace_back("process.signals", "changed what signal " + std::to_string(signal) + " (" +
                                              strsignal(static_cast<int>(signal)) + ") does");
  return all;
}

}  // namespace dtu::check
