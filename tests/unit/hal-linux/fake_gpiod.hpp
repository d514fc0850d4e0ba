// libgpiod as far as the HAL uses it, without hardware: linked in place of the library. Chip "/dev/fake" has 32 lines.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fake_gpiod {

struct Line {
  int level = 0;    // the logical one
  int request = 0;  // GPIOD_LINE_REQUEST_..., 0: not taken
  int flags = 0;
  int edges[2] = {-1, -1};  // a pipe, while edges are watched
  std::vector<int> written;
  std::string user;  // in use by somebody else
  bool has_interrupt = true;
  int fail_read = 0, fail_write = 0;  // errno
};

struct Chip {
  std::map<unsigned, Line> lines;
  int opened = 0;                               // chips open now
  std::function<void(unsigned, int)> on_write;  // line, level
};

Chip& chip();
void reset();                          // as at the beginning
void drive(unsigned line, int level);  // from outside: an input's level, with an edge event
void close_edges(unsigned line);       // the chip is unplugged: the descriptor ends

}  // namespace fake_gpiod
