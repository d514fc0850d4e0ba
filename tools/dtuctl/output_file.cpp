#include "output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "failure.hpp"
#include "lanes/descriptor.hpp"

namespace dtuctl {

void replace_file(const std::string& file, const std::string& text) {
  const std::string written = file + "." + std::to_string(::getpid()) + ".tmp";
  const auto fail = [&](const std::string& what) {
    const int code = errno;
    ::unlink(written.c_str());
    throw Failure(kFailed, what + ": " + std::generic_category().message(code));
  };
  dtud::Descriptor fd(::open(written.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd) throw Failure(kFailed, "cannot write " + written + ": " + std::generic_category().message(errno));
  for (size_t at = 0; at < text.size();) {
    const auto n = ::write(fd.get(), text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write " + written);
    at += static_cast<size_t>(n);
  }
  fd.close();
  if (std::rename(written.c_str(), file.c_str()) != 0) fail("cannot replace " + file);
}

}  // namespace dtuctl
