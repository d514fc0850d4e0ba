/* Preloaded into dtud: the time of day is off by as many seconds as the file WALL_CLOCK_OFFSET says (8 bytes), which
 * may change while it runs. Only the time of day: CLOCK_MONOTONIC and what waits by it is left alone. Who waits until a
 * time of day waits as the kernel would let him if that clock were set: the jump moves the end of the wait. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t* offset;
static int (*real_wait)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
static int (*real_sem_wait)(sem_t*, const struct timespec*);

__attribute__((constructor)) static void map_offset(void) {
  const char* path = getenv("WALL_CLOCK_OFFSET");
  const int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void* at = fd >= 0 ? mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (fd >= 0) close(fd);
  real_wait =
      (int (*)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*))dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  real_sem_wait = (int (*)(sem_t*, const struct timespec*))dlsym(RTLD_NEXT, "sem_timedwait");
  if (at != MAP_FAILED) offset = at;
}

static int64_t seconds_off(void) { return offset != NULL ? __atomic_load_n(offset, __ATOMIC_RELAXED) : 0; }

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int rc = (int)syscall(SYS_clock_gettime, clock, now);
  if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += seconds_off();
  return rc;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  struct timespec t;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &t);
  now->tv_sec = t.tv_sec;
  now->tv_usec = t.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (out != NULL) *out = t.tv_sec;
  return t.tv_sec;
}

/* A moment from now by the real clock, and whether `until` has come by ours. */
static int slice(const struct timespec* until, struct timespec* real) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec > until->tv_sec || (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec)) return 0;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, real);
  real->tv_nsec += 20 * 1000 * 1000;
  if (real->tv_nsec >= 1000 * 1000 * 1000) {
    real->tv_nsec -= 1000 * 1000 * 1000;
    ++real->tv_sec;
  }
  return 1;
}

int pthread_cond_timedwait(pthread_cond_t* restrict cond, pthread_mutex_t* restrict mutex,
                           const struct timespec* restrict until) {
  struct timespec real;
  while (slice(until, &real)) {
    const int rc = real_wait(cond, mutex, &real);
    if (rc != ETIMEDOUT) return rc;
  }
  return ETIMEDOUT;
}

int sem_timedwait(sem_t* restrict sem, const struct timespec* restrict until) {
  struct timespec real;
  if (sem_trywait(sem) == 0) return 0;
  while (slice(until, &real)) {
    const int rc = real_sem_wait(sem, &real);
    if (rc == 0 || errno != ETIMEDOUT) return rc;
  }
  errno = ETIMEDOUT;
  return -1;
}
