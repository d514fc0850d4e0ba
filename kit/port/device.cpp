#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <dtu/kit/port/device.hpp>
#include <dtu/kit/port/line_settings.hpp>
#include <dtu/sdk/text.hpp>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace dtu_port {
namespace {

namespace fs = std::filesystem;

std::string error_text(int code) { return std::generic_category().message(code); }

struct OpenFailure {
  int code;
  Trouble trouble;
  const char* text;
};
constexpr std::array kOpenFailures{
    OpenFailure{ENOENT, Trouble::absent, "is not there: plug it in, or correct the device in board.json"},
    OpenFailure{ENOTDIR, Trouble::absent, "is not there: correct the device in board.json"},
    OpenFailure{ENODEV, Trouble::absent, "has no hardware behind it: plug it in, or load its driver"},
    OpenFailure{ENXIO, Trouble::absent, "has no hardware behind it: plug it in, or load its driver"},
    OpenFailure{EACCES, Trouble::denied, "may not be opened: add the user of this service to the group of the device"},
    OpenFailure{EPERM, Trouble::denied, "may not be opened: allow the device in the unit file (DeviceAllow)"},
};

OpenError busy(const std::string& device) {
  const std::string who = holders(device);
  return {Trouble::busy, DTU_E_IO,
          device + " is in use by " +
              (who.empty() ? "another program: find it with `fuser " + device + "` and stop it" : who + ": stop it") +
              ", or choose another device"};
}

OpenError open_failed(const std::string& device, int code) {
  if (code == EBUSY) return busy(device);
  for (const OpenFailure& f : kOpenFailures)
    if (f.code == code) return {f.trouble, DTU_E_IO, device + " " + f.text};
  return {Trouble::failing, DTU_E_IO, device + " cannot be opened: " + error_text(code)};
}

bool is_pty(int fd) {
  constexpr unsigned kFirstSlaveMajor = 136;  // Documentation/admin-guide/devices.txt
  constexpr unsigned kLastSlaveMajor = 143;
  struct stat st {};
  return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) >= kFirstSlaveMajor &&
         major(st.st_rdev) <= kLastSlaveMajor;
}

std::string name_of_process(const fs::path& proc) {
  std::string name;
  std::ifstream(proc / "comm") >> name;
  return "pid " + proc.filename().string() + " (" + name + ")";
}

// Has the process the other end of this pseudo terminal, as a simulator of the device has? "tty-index:" of a descriptor
// of /dev/ptmx says whose other end it is.
bool is_other_end(const fs::path& proc, const fs::path& device) {
  if (device.parent_path() != "/dev/pts") return false;
  std::error_code none;
  for (fs::directory_iterator fd(proc / "fd", none), end; !none && fd != end; fd.increment(none)) {
    std::error_code gone;
    if (fs::read_symlink(fd->path(), gone).filename() != "ptmx") continue;
    std::ifstream info(proc / "fdinfo" / fd->path().filename());
    for (std::string key, value; info >> key >> value;)
      if (key == "tty-index:" && value == device.filename()) return true;
  }
  return false;
}

bool has_open(const fs::path& proc, const fs::path& device) {
  std::error_code none;
  for (fs::directory_iterator fd(proc / "fd", none), end; !none && fd != end; fd.increment(none)) {
    std::error_code gone;
    if (fs::read_symlink(fd->path(), gone) == device) return true;
  }
  return false;
}

}  // namespace

std::string holders(const std::string& device, bool others) {
  std::error_code none;
  const fs::path target = fs::canonical(device, none);
  if (none) return {};
  const std::string self = std::to_string(getpid());
  std::string found;
  for (fs::directory_iterator proc("/proc", none), end; !none && proc != end; proc.increment(none)) {
    const std::string pid = proc->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos || (others && pid == self) ||
        !has_open(proc->path(), target) || (others && pid != self && is_other_end(proc->path(), target)))
      continue;
    if (!found.empty()) found += ", ";
    found += pid == self ? "another port of this program" : name_of_process(proc->path());
  }
  return found;
}

Device open_device(const std::string& path, const dtu_port_settings& settings,
                   const std::function<void(int fd)>& more) {
  Device d;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  d.fd = Descriptor(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!d.fd) throw open_failed(path, errno);
  d.pty = is_pty(d.fd.get());
  // The lock first: settings of a line somebody else uses must not be touched. flock also stops root, whom TIOCEXCL
  // lets pass.
  if (flock(d.fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    d.fd.reset();
    throw busy(path);
  }
  try {
    apply_settings(d.fd.get(), settings, d.pty);
    if (more) more(d.fd.get());
  } catch (const dtu::Failure& f) {
    const bool failing = f.code() == DTU_E_IO;
    throw OpenError(failing ? Trouble::failing : Trouble::refused, f.code(), path + ": " + f.what());
  }
  ioctl(d.fd.get(), TIOCEXCL);
  return d;
}

}  // namespace dtu_port
