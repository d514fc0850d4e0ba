// bench-relay DEVICE PORT: the floor. The least a program can do between a serial line and a TCP connection: poll,
// read, write. Nothing a gateway is for (no reconnect, no settings, no counters), so nobody can be much faster.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

bool carry(int from, int to) {
  char buffer[65536];
  const ssize_t got = read(from, buffer, sizeof buffer);
  for (ssize_t at = 0; at < got;) {
    const ssize_t done = write(to, buffer + at, static_cast<size_t>(got - at));
    if (done <= 0) return false;
    at += done;
  }
  return got > 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: bench-relay DEVICE PORT\n"), 2;
  const int serial = open(argv[1], O_RDWR | O_NOCTTY | O_CLOEXEC);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::strtoul(argv[2], nullptr, 10)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (serial < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 1) != 0)
    return std::perror("bench-relay"), 1;
  const int tcp = accept(listener, nullptr, nullptr);
  setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  pollfd fds[2] = {{serial, POLLIN, 0}, {tcp, POLLIN, 0}};
  for (;;) {
    if (poll(fds, 2, -1) < 0) return 1;
    if (fds[0].revents != 0 && !carry(serial, tcp)) return 0;
    if (fds[1].revents != 0 && !carry(tcp, serial)) return 0;
  }
}
