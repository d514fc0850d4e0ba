#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <sys/ioctl.h>

#include "far_end.hpp"

namespace dtu::test {

uint32_t kernel_speed(int fd) {
  termios2 t{};
  return ioctl(fd, TCGETS2, &t) == 0 && t.c_ispeed == t.c_ospeed ? t.c_ospeed : 0;
}

}  // namespace dtu::test
