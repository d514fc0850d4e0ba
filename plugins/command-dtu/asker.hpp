// Questions to the host (commands and points) with a function to go on with. Who asked may be gone by the time the
// answer comes: forget() it, and the answer goes nowhere.
#pragma once
#include <dtu/sdk/host.hpp>

#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace command_dtu {

struct Reply {  // its views last until the function returns
  dtu_status status = DTU_OK;
  std::string_view json;
  std::string_view error;
  uint32_t protocol_code = 0;  // of the error
  uint32_t age_ms = 0;         // of a point: how long ago its value was measured,
  bool stale = false;          // which is longer than its provider means it to be
  [[nodiscard]] bool ok() const { return status == DTU_OK; }
};

struct Question {
  std::string_view command;  // a name; or "" and a code
  int64_t code = -1;
  std::string_view args;
  std::optional<std::string_view> password;
  uint32_t caller = DTU_CALLER_SELF;  // for whom it is asked, and by which of these
  uint64_t link = 0;
  uint32_t channel = 0;
  uint64_t peer = 0, for_call = 0;
  uint32_t deadline_ms = 0;  // 0: the host's
};

class Asker {
 public:
  using Then = std::function<void(const Reply&)>;

  explicit Asker(dtu::Host host) : host_(host), service_(host.need<dtu_invoke_service>(DTU_INVOKE_SERVICE)) {}

  // `then` runs once, also inside the call when the host refuses it outright; not after forget(owner).
  void invoke(const void* owner, const Question& question, Then then);
  void read_point(const void* owner, std::string_view point, Then then);
  void forget(const void* owner) noexcept;
  [[nodiscard]] size_t pending() const noexcept { return open_.size(); }

  // Sorted by name; nothing when the host is too old to list points.
  void each_point(std::string_view prefix, const std::function<void(const dtu_point_info&)>& each) const;

 private:
  struct Open {
    Asker* asker;
    const void* owner;
    Then then;
    std::list<Open>::iterator self;
  };
  template <typename Call>
  void ask(const void* owner, Then then, Call call);
  static void answered(void* ctx, const dtu_answer* answer) noexcept;

  dtu::Host host_;
  const dtu_invoke_service& service_;
  std::list<Open> open_;
};

}  // namespace command_dtu
