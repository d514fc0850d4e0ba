#include <sys/inotify.h>
#include <dtu/kit/port/device_watch.hpp>

#include <array>
#include <filesystem>

namespace dtu_port {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kComing = IN_CREATE | IN_MOVED_TO | IN_ATTRIB;  // ATTRIB: udev sets the group after the node is made
constexpr uint32_t kDirectoryGoes = IN_DELETE_SELF | IN_MOVE_SELF;
constexpr uint32_t kLookAnyway = kDirectoryGoes | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW;
constexpr int kMaxLinks = 8;  // symlinks followed one after the other

}  // namespace

DeviceWatch::DeviceWatch(dtu::Host host, const std::string& device, std::function<void()> changed)
    : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), changed_(std::move(changed)) {
  if (!fd_) return;
  working_ = true;
  follow(device);
  if (!working_) return;
  try {
    watch_ = std::make_unique<dtu::FdWatch>(host, fd_.get(), DTU_FD_READ, [this](uint32_t) { ready(); });
  } catch (const dtu::Failure&) {
    working_ = false;
  }
}

void DeviceWatch::follow(const std::string& device) {
  fs::path path = device;
  for (int link = 0; link < kMaxLinks && working_; ++link) {
    fs::path directory = path.parent_path();
    fs::path name = path.filename();
    std::error_code none;
    while (!fs::is_directory(directory, none) && directory.has_relative_path()) {
      name = directory.filename();
      directory = directory.parent_path();
    }
    working_ = add(directory.string(), name.string());
    const fs::path target = fs::read_symlink(path, none);
    if (none) return;
    path = directory / target;  // an absolute target replaces the directory
  }
}

bool DeviceWatch::add(const std::string& directory, const std::string& name) {
  const int watch = inotify_add_watch(fd_.get(), directory.c_str(), kComing | kDirectoryGoes | IN_ONLYDIR);
  if (watch < 0) return false;
  names_.push_back({watch, name});
  return true;
}

void DeviceWatch::ready() {
  alignas(inotify_event) std::array<char, 4096> events;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const ssize_t size = ::read(fd_.get(), events.data(), events.size());
  if (size <= 0 || !concerns_us(events.data(), static_cast<size_t>(size))) return;
  watch_.reset();
  const auto changed = std::move(changed_);  // the call may destroy this object
  changed();
}

bool DeviceWatch::concerns_us(const char* events, size_t size) const {
  for (size_t at = 0; at + sizeof(inotify_event) <= size;) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the kernel laid it out and aligned it
    const auto* event = reinterpret_cast<const inotify_event*>(events + at);
    if ((event->mask & kLookAnyway) != 0) return true;
    for (const Name& n : names_)
      if (n.watch == event->wd && event->len != 0 && n.name == event->name) return true;
    at += sizeof(inotify_event) + event->len;
  }
  return false;
}

}  // namespace dtu_port
