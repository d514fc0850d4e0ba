// What went wrong lately (function code 5), newest last. Not listed again: what is said already by the newest entry, an
// outage that goes on, and noise, which has one entry per place that moves to the end. So nothing that repeats itself
// pushes everything else out.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace command_dtu {

class Diagnosis {
 public:
  static constexpr size_t kept = 32;

  // code_text: the function code as asked, JSON; "" = none could be read.
  void command_failed(std::string_view code_text, int error_code);
  // Something that may happen a thousand times a second. where: a member more of the entry, "\"port\":\"1\"".
  void noise(int error_code, std::string_view where);
  // A state as the channel reports it; protocol_code: of the error that came along.
  void channel_state(uint32_t channel, std::string_view type, int32_t state, uint32_t protocol_code);

  [[nodiscard]] std::string json() const;

 private:
  void add(std::string entry);
  std::deque<std::string> entries_;
  std::map<uint32_t, int> outages_;  // error code listed for a channel that has not come back since
};

[[nodiscard]] std::string of_channel(uint32_t channel);
[[nodiscard]] std::string of_port(std::string_view port);

}  // namespace command_dtu
