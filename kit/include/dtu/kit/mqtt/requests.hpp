// Requests to the other side that are answered by a message with the same id: a request topic and a response topic, as
// clouds have them. MQTT itself knows nothing of it, so each request has a deadline of its own. All [lane].
//
//   requests_.ask([&](const std::string& id) { publish(target, R"({"id": ")" + id + R"(", "method": "time"})"); },
//                 [this, call](dtu_status status, std::string_view answer) { ... });
//   ... in deliver(): requests_.answer(dtu::Json(message.payload)["id"].text(), message.payload);
//   ... in disconnected(): requests_.close("the connection ended");
#pragma once
#include <cstdint>
#include <dtu/sdk/host.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace mqtt {

class Requests {
 public:
  // DTU_OK: `answer` is the payload of the answer. DTU_E_TIMEOUT, DTU_E_CLOSED: it says why there is none.
  using Done = std::function<void(dtu_status status, std::string_view answer)>;

  // most: requests that may be open at a time.
  explicit Requests(dtu::Host host, uint32_t timeout_ms = 10'000, size_t most = 64);

  // Calls send(id), which publishes the request with this id: a number of up to 10 digits; one of an earlier run does
  // not come again soon. Then `done` is called once, later. There is no request when send() throws, which passes, or
  // when too many are open: dtu::Failure (DTU_AGAIN).
  void ask(const std::function<void(const std::string& id)>& send, Done done);
  // False: no request with this id is open. It was answered, it is too late, or it is of an earlier connection.
  bool answer(std::string_view id, std::string_view payload);
  // All open ones have failed.
  void close(std::string_view why);
  [[nodiscard]] size_t count() const { return open_.size(); }

 private:
  struct Request {
    int64_t deadline_ns;
    Done done;
  };
  void expire();
  void arm();

  dtu::Host host_;
  dtu::Timer timer_;
  const uint32_t timeout_ms_;
  const size_t most_;
  uint32_t last_;
  std::map<std::string, Request, std::less<>> open_;
};

}  // namespace mqtt
