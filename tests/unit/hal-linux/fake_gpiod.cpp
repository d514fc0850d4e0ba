#include "fake_gpiod.hpp"

#include <fcntl.h>
#include <gpiod.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

struct gpiod_line {
  unsigned offset = 0;
};
struct gpiod_chip {
  std::map<unsigned, gpiod_line> lines;
};

namespace fake_gpiod {
namespace {

constexpr unsigned kLines = 32;

int failed(int code) {
  errno = code;
  return -1;
}

void release(Line& line) {
  for (int& fd : line.edges)
    if (fd >= 0) ::close(std::exchange(fd, -1));
  line.request = 0;
}

}  // namespace

Chip& chip() {
  static Chip the_chip;
  return the_chip;
}

void reset() {
  for (auto& [offset, line] : chip().lines) release(line);
  chip() = {};
}

void drive(unsigned offset, int level) {
  Line& line = chip().lines[offset];
  line.level = level;
  if (line.edges[1] >= 0 && ::write(line.edges[1], "e", 1) != 1) std::abort();
}

void close_edges(unsigned offset) {
  Line& line = chip().lines[offset];
  ::close(std::exchange(line.edges[1], -1));
  line.fail_read = ENODEV;
}

}  // namespace fake_gpiod

using fake_gpiod::chip;
using fake_gpiod::failed;

extern "C" {

gpiod_chip* gpiod_chip_open(const char* path) {
  const std::string name = path;
  if (name != "/dev/fake") {
    errno = name == "/dev/null" ? ENOTTY : ENOENT;
    return nullptr;
  }
  ++chip().opened;
  return std::make_unique<gpiod_chip>().release();
}
void gpiod_chip_close(gpiod_chip* c) {
  for (auto& [offset, line] : c->lines) fake_gpiod::release(chip().lines[offset]);
  --chip().opened;
  std::unique_ptr<gpiod_chip>(c).reset();
}
unsigned gpiod_chip_num_lines(gpiod_chip*) { return fake_gpiod::kLines; }
gpiod_line* gpiod_chip_get_line(gpiod_chip* c, unsigned offset) {
  c->lines[offset].offset = offset;
  return &c->lines[offset];
}
const char* gpiod_line_consumer(gpiod_line* l) {
  const std::string& user = chip().lines[l->offset].user;
  return user.empty() ? nullptr : user.c_str();
}
int gpiod_line_request(gpiod_line* l, const gpiod_line_request_config* config, int initial) {
  auto& line = chip().lines[l->offset];
  if (!line.user.empty() || line.request != 0) return failed(EBUSY);
  const bool edges = config->request_type == GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES;
  if (edges && !line.has_interrupt) return failed(ENXIO);
  if (edges && ::pipe2(line.edges, O_NONBLOCK | O_CLOEXEC) != 0) return -1;
  line.request = config->request_type;
  line.flags = config->flags;
  if (line.request == GPIOD_LINE_REQUEST_DIRECTION_OUTPUT) line.level = initial;
  return 0;
}
void gpiod_line_release(gpiod_line* l) { fake_gpiod::release(chip().lines[l->offset]); }
int gpiod_line_get_value(gpiod_line* l) {
  auto& line = chip().lines[l->offset];
  if (line.request == 0) return failed(EPERM);
  return line.fail_read != 0 ? failed(line.fail_read) : line.level;
}
int gpiod_line_set_value(gpiod_line* l, int value) {
  auto& line = chip().lines[l->offset];
  if (line.request != GPIOD_LINE_REQUEST_DIRECTION_OUTPUT) return failed(EPERM);
  if (line.fail_write != 0) return failed(line.fail_write);
  line.level = value;
  line.written.push_back(value);
  if (chip().on_write) chip().on_write(l->offset, value);
  return 0;
}
int gpiod_line_event_get_fd(gpiod_line* l) { return chip().lines[l->offset].edges[0]; }
int gpiod_line_event_read_fd(int fd, gpiod_line_event*) {
  char byte = 0;
  const ssize_t n = ::read(fd, &byte, 1);
  return n == 1 ? 0 : failed(n == 0 ? EIO : errno);
}

}  // extern "C"
