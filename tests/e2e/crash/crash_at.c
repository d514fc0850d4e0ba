/* Preloaded into dtud: ends the process at the Nth step towards the disk, as a power cut would, without a chance to
 * tidy up. Steps count once the file CRASH_ARMED names exists: files made, synced, renamed and removed. Each adds a
 * byte to that file, so that dtud after it started itself anew, and the programs it runs, go on counting. */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* open() and open64() are two names here, on 32 bits too */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int armed_open(const char* path, int flags) {
  int (*real)(const char*, int, ...) = (int (*)(const char*, int, ...))dlsym(RTLD_NEXT, "open");
  return real(path, flags);
}

static void step(void) {
  const char* armed = getenv("CRASH_ARMED");
  const char* at = getenv("CRASH_AT");
  if (armed == NULL || at == NULL) return;
  const int fd = armed_open(armed, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return;
  const long steps = write(fd, ".", 1) == 1 ? (long)lseek(fd, 0, SEEK_CUR) : 0;
  close(fd);
  if (steps == atol(at)) kill(getpid(), SIGKILL);
}

int rename(const char* from, const char* to) {
  int (*real)(const char*, const char*) = (int (*)(const char*, const char*))dlsym(RTLD_NEXT, "rename");
  step();
  return real(from, to);
}

int unlink(const char* path) {
  int (*real)(const char*) = (int (*)(const char*))dlsym(RTLD_NEXT, "unlink");
  step();
  return real(path);
}

int fsync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  step();
  return real(fd);
}

static int opened(const char* name, const char* path, int flags, mode_t mode) {
  int (*real)(const char*, int, ...) = (int (*)(const char*, int, ...))dlsym(RTLD_NEXT, name);
  if ((flags & O_CREAT) != 0) step();
  return real(path, flags, mode);
}

static mode_t mode_in(int flags, va_list list) { return (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0; }

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_in(flags, list);
  va_end(list);
  return opened("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_in(flags, list);
  va_end(list);
  return opened("open64", path, flags, mode);
}
