// A listening Unix socket with its file: made, guarded against a second dtud, taken away again.
#pragma once
#include <sys/types.h>

#include <string>

#include "lanes/descriptor.hpp"

namespace dtud::control {

// Why no socket can be made at `path`, as the end of a sentence that begins with it: it is too long, or something else
// stands there. "" when one can be, and while a dtud is there: nobody is asked.
[[nodiscard]] std::string why_no_socket(const std::string& path);

class Listener {
 public:
  // Makes the parent directory if it is missing and replaces the socket of a dtud that is gone. Throws
  // std::runtime_error that says what is in the way: a dtud that answers there, a file that is not a socket, rights.
  Listener(const std::string& path, mode_t mode);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { close(); }

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] gid_t group() const { return group_; }
  // The next connection, not blocking, close-on-exec; an empty one when there is none. Out of descriptors: the
  // connection is dropped (and `dropped` counted up), for a descriptor that stays readable would keep its lane awake.
  [[nodiscard]] Descriptor accept(unsigned& dropped);
  void close();  // removes the file, if it is still ours

 private:
  std::string path_;
  Descriptor fd_;
  Descriptor spare_;  // given up for a moment when descriptors run out
  dev_t device_ = 0;
  ino_t inode_ = 0;
  gid_t group_ = 0;
};

}  // namespace dtud::control
