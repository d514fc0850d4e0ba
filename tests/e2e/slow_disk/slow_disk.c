/* Preloaded into dtud: a disk that takes SLOW_DISK_MS to sync. Once the file that SLOW_DISK_LOG names exists, each step
 * towards the disk adds a line to it: "PID TID what file". The main thread of a process has TID equal to PID. Steps are
 * files made or opened to be written, synced, renamed and removed. */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* open() and open64() are two names here, on 32 bits too */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void note(const char* what, const char* path) {
  const char* log = getenv("SLOW_DISK_LOG");
  if (log == NULL) return;
  int (*real)(const char*, int, ...) = (int (*)(const char*, int, ...))dlsym(RTLD_NEXT, "open");
  const int fd = real(log, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return;
  char line[4200];
  const int length =
      snprintf(line, sizeof line, "%ld %ld %s %s\n", (long)getpid(), (long)syscall(SYS_gettid), what, path);
  if (length > 0 && length < (int)sizeof line && write(fd, line, (size_t)length) != length) abort();
  close(fd);
}

static void synced(const char* what, int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  note(what, path);
  const char* ms = getenv("SLOW_DISK_MS");
  const long wait = ms != NULL ? atol(ms) : 0;
  struct timespec left = {wait / 1000, wait % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
}

int fsync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  synced("fsync", fd);
  return real(fd);
}

int fdatasync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  synced("fdatasync", fd);
  return real(fd);
}

int rename(const char* from, const char* to) {
  int (*real)(const char*, const char*) = (int (*)(const char*, const char*))dlsym(RTLD_NEXT, "rename");
  note("rename", to);
  return real(from, to);
}

int unlink(const char* path) {
  int (*real)(const char*) = (int (*)(const char*))dlsym(RTLD_NEXT, "unlink");
  note("unlink", path);
  return real(path);
}

static int opened(const char* name, const char* path, int flags, mode_t mode) {
  int (*real)(const char*, int, ...) = (int (*)(const char*, int, ...))dlsym(RTLD_NEXT, name);
  if ((flags & O_CREAT) != 0) note("open", path);
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
