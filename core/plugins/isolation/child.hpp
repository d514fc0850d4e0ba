// The process of one isolated instance: begun, ended, and how it ended. It shares two descriptors with us, the socket
// and the page, and is the leader of a process group of its own, so that what a plugin starts ends with it. Main lane.
#pragma once
#include <sys/types.h>

#include <string>

#include "lanes/descriptor.hpp"
#include "plugins/isolation/activity.hpp"

namespace dtud::plugins::isolation {

constexpr int kSocketFd = 3, kPageFd = 4;  // in the child

// The mapped page. Both ends map it; it stays as long as either does.
class Page {
 public:
  Page() = default;
  Page(Page&& other) noexcept : activity_(std::exchange(other.activity_, nullptr)) {}
  Page& operator=(Page&& other) noexcept;
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page();
  [[nodiscard]] static Page map(int fd);  // empty: errno says why
  [[nodiscard]] Activity* get() const { return activity_; }
  explicit operator bool() const { return activity_ != nullptr; }

 private:
  Activity* activity_ = nullptr;
};

class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept { *this = std::move(other); }
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  // kills and reaps what still runs

  // "" or why it could not be begun. `socket`: our end, to be taken. name: for `ps`.
  [[nodiscard]] std::string begin(const std::string& program, const std::string& name, Descriptor& socket);
  [[nodiscard]] bool running() const { return pid_ > 0; }
  [[nodiscard]] pid_t pid() const { return pid_; }  // also after its end
  void kill() const;
  // Reaps it if it has ended; false: it has not yet.
  bool reap();

  // What it is, or was, doing: "send", "" = in no call of ours. Never more than a name, whatever it wrote there.
  [[nodiscard]] std::string doing() const;
  [[nodiscard]] int64_t busy_since_ns() const;  // 0: in no call
  // "ended by signal 11 (Segmentation fault) in send()", once it is reaped.
  [[nodiscard]] std::string how() const;
  [[nodiscard]] Activity* activity() const { return page_.get(); }
  [[nodiscard]] uint64_t rss_kib() const;

 private:
  pid_t pid_ = -1;
  bool reaped_ = true;
  int status_ = 0;
  Page page_;
};

}  // namespace dtud::plugins::isolation
