/* Preloaded into every program that runs under qemu-arm (root.sh's etc/ld.so.preload): qemu's user mode does not know
 * the ioctls of termios2, with which ports are set up. They become those of termios; the speed, which these name by a
 * code and which a pty does not care for, is remembered. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define MOST_DESCRIPTORS 1024
static uint32_t speeds[MOST_DESCRIPTORS];

typedef int (*ioctl_fn)(int, unsigned long, ...);

static int get(ioctl_fn real, int fd, struct termios2* to) {
  struct termios t;
  const int rc = real(fd, TCGETS, &t);
  if (rc != 0) return rc;
  memcpy(to, &t, sizeof t);
  to->c_ispeed = to->c_ospeed = fd < MOST_DESCRIPTORS && speeds[fd] != 0 ? speeds[fd] : 38400;
  return 0;
}

static int set(ioctl_fn real, int fd, unsigned long request, const struct termios2* from) {
  struct termios t;
  memcpy(&t, from, sizeof t);
  if ((t.c_cflag & CBAUD) == BOTHER) t.c_cflag = (t.c_cflag & ~(tcflag_t)CBAUD) | B38400;
  const int rc = real(fd, request, &t);
  if (rc == 0 && fd < MOST_DESCRIPTORS) speeds[fd] = from->c_ospeed;
  return rc;
}

int ioctl(int fd, unsigned long request, ...) {
  ioctl_fn real = (ioctl_fn)dlsym(RTLD_NEXT, "ioctl");
  va_list list;
  va_start(list, request);
  void* argument = va_arg(list, void*);
  va_end(list);
  switch (request) {
    case TCGETS2:
      return get(real, fd, argument);
    case TCSETS2:
      return set(real, fd, TCSETS, argument);
    case TCSETSW2:
      return set(real, fd, TCSETSW, argument);
    case TCSETSF2:
      return set(real, fd, TCSETSF, argument);
    default:
      return real(fd, request, argument);
  }
}
