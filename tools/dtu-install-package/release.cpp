#include "release.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <system_error>

#include "tar_reader.hpp"

namespace dtu_package {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& doing, int code = errno) {
  throw Refused(doing + ": " + std::generic_category().message(code));
}

void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool good = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!good) fail("cannot write " + folder.string());
}

// "3-1.4.0" -> 3; 0: no name of ours.
unsigned long number_of(const std::string& name) {
  const size_t dash = name.find('-');
  if (dash == 0 || dash == std::string::npos || dash > 9) return 0;
  return name.find_first_not_of("0123456789") == dash ? std::stoul(name.substr(0, dash)) : 0;
}

std::map<unsigned long, fs::path> releases_in(const fs::path& folder) {
  std::map<unsigned long, fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder))
    if (const unsigned long n = number_of(entry.path().filename().string()); n != 0) all[n] = entry.path();
  return all;
}

std::string as_name(const std::string& version) {
  std::string name = version.substr(0, 64);
  for (char& c : name)
    if (std::string_view("/ \\").find(c) != std::string_view::npos || static_cast<unsigned char>(c) < ' ') c = '_';
  return name;
}

std::string present_release(const fs::path& path) {
  std::error_code ec;
  const fs::path target = fs::read_symlink(path, ec);
  return ec ? "" : target.filename().string();
}

}  // namespace

std::string installed_version(const std::string& path) {
  const std::string release = present_release(path);
  return number_of(release) == 0 ? "" : release.substr(release.find('-') + 1);
}

void install(const std::string& file, const std::string& path, const std::string& version, const Limits& limits,
             const std::function<void(int)>& percent) {
  const fs::path at(path), releases(path + ".d"), fresh = releases / ".new", link(path + ".new");
  std::error_code ec;
  if (fs::exists(fs::symlink_status(at, ec)) && !fs::is_symlink(fs::symlink_status(at, ec)))
    throw Refused(path + " exists and is not a link: move it away; packages are kept in " + releases.string());
  const int package = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (package < 0) fail("cannot read " + file);
  try {
    fs::create_directories(releases);
    fs::remove_all(fresh);  // left by a power cut
    if (::mkdir(fresh.c_str(), 0755) != 0) fail("cannot make " + fresh.string());
    unpack(package, fresh.string(), limits, percent);
    const auto before = releases_in(releases);
    const unsigned long number = before.empty() ? 1 : before.rbegin()->first + 1;
    const fs::path release = releases / (std::to_string(number) + "-" + as_name(version));
    const std::string running = present_release(at);
    if (::rename(fresh.c_str(), release.c_str()) != 0) fail("cannot make " + release.string());
    sync_folder(releases);
    fs::remove(link);
    fs::create_symlink(releases.filename() / release.filename(), link);
    if (::rename(link.c_str(), at.c_str()) != 0) fail("cannot replace " + path);
    sync_folder(fs::absolute(at).parent_path());
    for (const auto& [n, old] : before)
      if (old.filename().string() != running) fs::remove_all(old, ec);
  } catch (const fs::filesystem_error& e) {
    ::close(package);
    throw Refused(e.what());
  } catch (...) {
    fs::remove_all(fresh, ec);
    ::close(package);
    throw;
  }
  ::close(package);
}

}  // namespace dtu_package
