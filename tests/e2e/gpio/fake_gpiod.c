/* Preloaded into dtud in the place of libgpiod: a chip of 32 lines. The level of a line is the first character of the
 * file with its number in the folder FAKE_GPIO: a test writes there what an input has, and reads what an output got. */
#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINES = 32 };
struct gpiod_line {
  unsigned offset;
};
struct gpiod_chip {
  struct gpiod_line lines[LINES];
};
static struct gpiod_chip the_chip;

static int open_level(const struct gpiod_line* line, int flags) {
  char path[4096];
  const char* folder = getenv("FAKE_GPIO");
  snprintf(path, sizeof path, "%s/%u", folder != NULL ? folder : ".", line->offset);
  return open(path, flags | O_CLOEXEC, 0600);
}

struct gpiod_chip* gpiod_chip_open(const char* path) {
  (void)path;
  for (unsigned i = 0; i < LINES; ++i) the_chip.lines[i].offset = i;
  return &the_chip;
}
void gpiod_chip_close(struct gpiod_chip* chip) { (void)chip; }
unsigned gpiod_chip_num_lines(struct gpiod_chip* chip) { return (void)chip, LINES; }
struct gpiod_line* gpiod_chip_get_line(struct gpiod_chip* chip, unsigned offset) {
  return &chip->lines[offset];
}
const char* gpiod_line_consumer(struct gpiod_line* line) { return (void)line, NULL; }
void gpiod_line_release(struct gpiod_line* line) { (void)line; }

int gpiod_line_get_value(struct gpiod_line* line) {
  char level = '0';
  const int fd = open_level(line, O_RDONLY);
  const ssize_t n = fd >= 0 ? read(fd, &level, 1) : -1;
  if (fd >= 0) close(fd);
  return n == 1 ? level == '1' : -1;
}
int gpiod_line_set_value(struct gpiod_line* line, int value) {
  const char level = value != 0 ? '1' : '0';
  const int fd = open_level(line, O_WRONLY | O_CREAT);
  const ssize_t n = fd >= 0 ? write(fd, &level, 1) : -1;
  if (fd >= 0) close(fd);
  return n == 1 ? 0 : -1;
}
int gpiod_line_request(struct gpiod_line* line, const struct gpiod_line_request_config* config, int value) {
  return config->request_type == GPIOD_LINE_REQUEST_DIRECTION_OUTPUT ? gpiod_line_set_value(line, value) : 0;
}
int gpiod_line_event_get_fd(struct gpiod_line* line) {
  (void)line;
  errno = EINVAL; /* no line of it has an interrupt */
  return -1;
}
int gpiod_line_event_read_fd(int fd, struct gpiod_line_event* event) { return (void)fd, (void)event, -1; }
